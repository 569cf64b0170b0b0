//! Runs each proxy with its shipped configuration in front of an API, and prints what it does as a table:
//! `cargo run -p tokenlatch-tests --bin proxies -- --seconds 90`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokenlatch_tests::Fault;
use tokenlatch_tests::proxies::{self, Stage};
use tokenlatch_tests::report::markdown;
use tokenlatch_tests::service::ProxyKind;

/// Shows what each proxy does with its shipped configuration.
#[derive(Parser)]
struct Options {
    /// How long the event stream is quiet and the upload slow
    #[arg(long, default_value_t = 2)]
    seconds: u64,
}

fn main() -> ExitCode {
    match run(Duration::from_secs(Options::parse().seconds)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("proxies: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the table; true if every check holds.
fn run(quiet: Duration) -> Result<bool, Fault> {
    let heads: Vec<&str> = ["program", "version"].into_iter().chain(proxies::headings()).collect();
    let mut table = markdown(&heads, 0..0);
    let mut good = true;
    for kind in ProxyKind::ALL {
        let (Some(program), Some(stage)) = (kind.find()?, Stage::new(kind, &[])?) else {
            continue;
        };
        let mut row = vec![kind.program().to_owned(), kind.version(&program)?];
        for (outcome, heading) in proxies::run(&stage, quiet).into_iter().zip(proxies::headings()) {
            good &= outcome.is_ok();
            row.push(match outcome {
                Ok(()) => "yes".to_owned(),
                Err(fault) => {
                    eprintln!("{}, {heading}: {fault}", kind.program());
                    "no".to_owned()
                }
            });
        }
        table.add_row(row);
    }
    println!("{table}");
    Ok(good)
}
