//! The benchmark of the npm package, run by Node.

use std::process::{Command, Stdio};

use serde::Deserialize;
use tokenlatch_tests::{Fault, build_package, package};

use crate::rows::Row;

/// What every row is compared with.
pub(crate) const BASE: &str = "Node: node:crypto createHash('sha256') alone";

#[derive(Deserialize)]
struct Report {
    node: String,
    rows: Vec<Timed>,
}

#[derive(Deserialize)]
struct Timed {
    name: String,
    ns: f64,
    ns_p10: f64,
    ns_p90: f64,
}

/// Builds the package and runs its benchmark.
pub(crate) fn rows(rounds: usize, tokens: usize) -> Result<Vec<Row>, Fault> {
    build_package()?;
    let output = Command::new("node")
        .current_dir(package())
        .args(["bench/verify.mjs", "--json"])
        .args(["--rounds", &rounds.to_string(), "--tokens", &tokens.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Fault::during("node"))?;
    if !output.status.success() {
        return Err(Fault::new(format!("bench/verify.mjs ended with {}", output.status)));
    }
    let report: Report =
        serde_json::from_slice(&output.stdout).map_err(Fault::during("the report of bench/verify.mjs"))?;
    eprintln!("Node {}", report.node);
    let rows = report.rows.into_iter().map(|timed| Row {
        case: format!("Node: {}", timed.name),
        ns: timed.ns,
        ns_p10: timed.ns_p10,
        ns_p90: timed.ns_p90,
        ratio: None,
        to_native: None,
    });
    Ok(rows.collect())
}
