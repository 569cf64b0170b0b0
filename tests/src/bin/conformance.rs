//! Runs every vector on every runtime, and demands that all answer alike.

use std::process::ExitCode;

use clap::Parser;
use tokenlatch_build::{Built, Options, build};
use tokenlatch_tests::report::{disagreements, table};
use tokenlatch_tests::{Fault, Outcome, run, runtimes, vectors};

/// Runs every vector on every runtime: the same module, the same answers, byte for byte, or it fails.
///
/// A runtime that this machine lacks is skipped aloud; with TOKENLATCH_REQUIRE_ALL=1 a skip is a failure.
#[derive(Parser)]
struct Arguments {
    /// Prints one JSON object a runtime instead of a table.
    #[arg(long)]
    json: bool,
    /// Runs only runtimes whose name holds this.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match conformance(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("conformance: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn conformance(arguments: &Arguments) -> Result<bool, Fault> {
    let built = build(&Options::default()).map_err(Fault::during("building the module"))?;
    let vectors = vectors::load()?;
    let require_all = std::env::var("TOKENLATCH_REQUIRE_ALL").is_ok_and(|value| value == "1");
    let wanted = |name: &str| {
        let part = arguments.only.as_deref().unwrap_or_default().to_lowercase();
        name.to_lowercase().contains(&part)
    };
    let mut outcomes = Vec::new();
    let mut skipped = 0;
    for entry in runtimes::all().iter().filter(|entry| wanted(&entry.name)) {
        match start(entry, &built, &vectors) {
            Ok(outcome) => outcomes.push(outcome),
            Err(fault) => {
                skipped += 1;
                eprintln!("SKIPPED {}: {fault}", entry.name);
            }
        }
    }
    if arguments.json {
        for outcome in &outcomes {
            println!(
                "{}",
                serde_json::to_string(outcome).map_err(Fault::during("writing a row"))?
            );
        }
    } else {
        println!("{}", table(&outcomes));
    }
    for outcome in &outcomes {
        for failure in &outcome.failures {
            eprintln!("{} ({}): {failure}", outcome.identity.runtime, outcome.identity.face);
        }
    }
    let found = disagreements(&outcomes);
    for disagreement in &found {
        eprintln!("conformance: {disagreement}");
    }
    let good = found.is_empty() && !(require_all && skipped > 0);
    if !arguments.json {
        let verdict = if good { "agree" } else { "DON'T agree" };
        println!("{} runtimes {verdict}, {skipped} skipped", outcomes.len());
    }
    Ok(good)
}

fn start(entry: &runtimes::Entry, built: &Built, vectors: &vectors::Vectors) -> Result<Outcome, Fault> {
    eprintln!("running {} vectors on {}", vectors.count, entry.name);
    let mut runtime = (entry.start)(built)?;
    run(runtime.as_mut(), vectors)
}
