//! Builds the fuzz targets of `tests/fuzz` and runs each for some seconds: `cargo run --release -p tokenlatch-tests --bin fuzz`.
//!
//! A run starts from the inputs in the tree and a fixed seed, and writes nothing there, so that it depends on the source and
//! the time alone.

mod build;
mod minimise;
mod outcome;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use tokenlatch_tests::Fault;
use tokenlatch_tests::report::print_json;

use build::Targets;

/// Builds the fuzz targets and runs each for some seconds. Fails if an input breaks what a target asserts.
///
/// Needs cargo-fuzz and a C++ compiler. They are reported if they are missing.
#[derive(Parser)]
struct Arguments {
    /// How long each target runs.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    seconds: u64,
    /// Runs only targets whose name contains this text.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// How many targets run at once. The default is one for each core.
    #[arg(long, value_name = "NUMBER", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    jobs: Option<usize>,
    /// Seed of libFuzzer's pseudorandom numbers.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u32,
    /// Folder for new inputs, one folder for each target. A later run with the same folder goes on from them.
    #[arg(long, value_name = "FOLDER")]
    grown: Option<PathBuf>,
    /// Reduces the inputs in the tree and those in `--grown` to the fewest with the same coverage, and puts them in the tree.
    #[arg(long, conflicts_with_all = ["seconds", "jobs", "seed"])]
    minimise: bool,
    /// Prints one JSON object per target instead of a table.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match fuzz(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("fuzz: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn fuzz(arguments: &Arguments) -> Result<bool, Fault> {
    let targets = Targets::build(arguments.only.as_deref())?;
    if arguments.minimise {
        let sizes = minimise::minimise(&targets, arguments.grown.as_deref())?;
        println!("{sizes}");
        return Ok(true);
    }
    let settings = run::Settings {
        seconds: arguments.seconds,
        seed: arguments.seed,
        grown: arguments.grown.as_deref(),
        jobs: arguments
            .jobs
            .unwrap_or_else(|| available_parallelism().map_or(1, Into::into)),
    };
    let outcomes = run::all(&targets, &settings)?;
    if arguments.json {
        print_json(&outcomes)?;
    } else {
        println!("{}", outcome::table(&outcomes));
    }
    for outcome in &outcomes {
        outcome.explain();
    }
    Ok(outcomes.iter().all(outcome::Outcome::is_good))
}
