//! Runs every vector on every runtime, and requires identical answers.

use std::process::ExitCode;

use clap::Parser;
use tokenlatch_tests::report::{print_json, table};
use tokenlatch_tests::{Conformance, Fault};

/// Runs every vector on every runtime. Fails unless all use the same module and give the same answers, byte for byte.
///
/// A missing runtime is reported as skipped. With TOKENLATCH_REQUIRE_ALL=1 a skip is a failure.
#[derive(Parser)]
struct Arguments {
    /// Prints one JSON object per runtime instead of a table.
    #[arg(long)]
    json: bool,
    /// Runs only runtimes whose name contains this text.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
}

fn main() -> ExitCode {
    match conformance(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("conformance: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn conformance(arguments: &Arguments) -> Result<bool, Fault> {
    let conformance = Conformance::run(arguments.only.as_deref())?;
    if arguments.json {
        print_json(&conformance.outcomes)?;
    } else {
        println!("{}", table(&conformance.outcomes));
    }
    let faults = conformance.faults();
    for fault in &faults {
        eprintln!("conformance: {fault}");
    }
    if !arguments.json {
        println!("{}", conformance.summary());
    }
    Ok(faults.is_empty())
}
