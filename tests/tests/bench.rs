//! Runs the benchmark in its shortest form, to check that it still works. Its figures have no meaning here.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tokenlatch_tests::{Fault, require_all};

const OURS: &[&str] = &["table", "table-hot", "snapshot", "record", "create", "empty"];
const PEERS: &[&str] = &[
    "verify-many",
    "node-crypto-map",
    "noble-sha256-map",
    "prefixed-api-key",
    "better-auth",
    "jose-hs256",
    "jose-hs256-key",
    "table-update",
    "jose-eddsa",
    "paseto-v4",
    "biscuit",
    "sha256-block",
];

fn run(arguments: &[&str], out: &Path) -> Result<Vec<Value>, Fault> {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--json", "--rounds", "1", "--tokens", "1000", "--lap", "1", "--out"])
        .arg(out)
        .args(arguments)
        .output()
        .map_err(Fault::during("bench"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    println!("{complaint}");
    assert!(output.status.success(), "{complaint}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).map_err(Fault::during(line)))
        .collect()
}

fn has_figures(row: &Value) -> bool {
    let of = |key: &str| row.get(key).and_then(Value::as_f64);
    match (of("min_ns"), of("median_ns"), of("max_ns")) {
        (Some(min), Some(median), Some(max)) => 0.0 <= min && min <= median && median <= max,
        _ => false,
    }
}

fn find<'r>(rows: &'r [Value], runtime: &str, case: &str) -> Option<&'r Value> {
    rows.iter().find(|row| row["runtime"] == runtime && row["case"] == case)
}

#[test]
fn bench_has_figures_or_a_reason_for_every_case() -> Result<(), Fault> {
    let out = tempfile::tempdir().map_err(Fault::during("a folder"))?;
    let rows = run(&[], out.path())?;
    for row in &rows {
        assert!(has_figures(row) != row["missing"].is_string(), "{row}");
    }
    let wanted = [
        "native", "wasmtime", "node", "node-24", "deno", "bun", "workerd", "chromium",
    ];
    let ran = |runtime: &str| rows.iter().any(|row| row["runtime"] == runtime);
    for runtime in wanted.into_iter().filter(|runtime| require_all() || ran(runtime)) {
        for case in OURS {
            let row = find(&rows, runtime, case);
            assert!(row.is_some_and(has_figures), "{case} in {runtime}: {row:?}");
        }
        for case in PEERS {
            let javascript = !["native", "wasmtime"].contains(&runtime);
            assert!(
                !javascript || find(&rows, runtime, case).is_some(),
                "{case} in {runtime}"
            );
        }
    }
    assert!(ran("native") && ran("wasmtime"));
    // Every peer runs in Node.
    if ran("node") {
        for case in PEERS {
            assert!(find(&rows, "node", case).is_some_and(has_figures), "{case}: {rows:?}");
        }
    }

    let read = |name: &str| std::fs::read_to_string(out.path().join(name)).map_err(Fault::during(name));
    let text = read("bench.md")?;
    assert!(text.contains("| case ") && text.contains("| runtime "));
    assert_eq!(read("bench.json")?.lines().count(), rows.len());
    let picture = read("bench.svg")?;
    assert!(picture.starts_with("<svg") && picture.contains("wasmtime"));
    Ok(())
}

#[test]
fn bench_measures_only_the_selected_cases() -> Result<(), Fault> {
    let out = tempfile::tempdir().map_err(Fault::during("a folder"))?;
    let rows = run(
        &["--runtime", "native", "--case", "table", "--case", "empty"],
        out.path(),
    )?;
    let cases: Vec<_> = rows.iter().map(|row| (&row["runtime"], &row["case"])).collect();
    assert_eq!(
        cases,
        [
            (&Value::from("native"), &Value::from("table")),
            (&"native".into(), &"empty".into())
        ]
    );
    Ok(())
}
