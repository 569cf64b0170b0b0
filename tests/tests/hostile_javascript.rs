//! The npm package's hostile JavaScript inputs, in every JavaScript runtime, with the package installed from the tarball.

use serde::Deserialize;
use tokenlatch_build::{Options, build};
use tokenlatch_tests::runtimes::javascript::ALL;
use tokenlatch_tests::{Fault, Runtime, require_all};

#[derive(Deserialize)]
struct Case {
    name: String,
    error: Option<String>,
}

#[test]
fn every_runtime_refuses_hostile_inputs_with_coded_errors() -> Result<(), Fault> {
    let built = build(&Options::default()).map_err(Fault::during("building the module"))?;
    let mut counts = Vec::new();
    let mut failures = Vec::new();
    for runtime in ALL {
        let mut process = match runtime.start(&built, "hostile") {
            Ok(process) => process,
            Err(fault) if fault.is_missing() && !require_all() => {
                eprintln!("SKIPPED {}: {fault}", runtime.name);
                continue;
            }
            Err(fault) => {
                failures.push(format!("{}: {fault}", runtime.name));
                continue;
            }
        };
        let lines = process.answer(&[])?;
        for line in &lines {
            let case: Case = serde_json::from_str(line).map_err(Fault::during(line))?;
            if let Some(error) = case.error {
                failures.push(format!("{}: {}: {error}", runtime.name, case.name));
            }
        }
        println!("{}: {} cases", runtime.name, lines.len());
        counts.push(lines.len());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(counts.iter().all(|count| *count > 40), "too few cases: {counts:?}");
    Ok(())
}
