//! Searches for cases in which the native core, the module or the independent model answer differently.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressStyle};
use tokenlatch_tests::Fault;
use tokenlatch_tests::differ::{Kind, Row, Search, Until};
use tokenlatch_tests::report::{self, plain, print_json};
use tokenlatch_vectors::folder::folder;

/// Searches for cases in which the native core, the module in wasmtime or in Node, or the independent model answer differently.
///
/// Each case that differs is shrunk and written to tests/vectors/found. To make it a vector, give the file a name that says what
/// must hold, and run tests/vectors/generate.py.
#[derive(Parser)]
struct Arguments {
    /// How long to search.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// Draws the cases of an earlier search again; a new seed if omitted.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Searches only this kind: requests, parameters, histories, tables, snapshots, dispatcher,
    /// verifications or routes.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    only: Vec<Kind>,
    /// Prints one JSON object a kind instead of a table.
    #[arg(long)]
    json: bool,
    /// Writes shrunk cases to another folder.
    #[arg(long, value_name = "FOLDER")]
    found: Option<PathBuf>,
}

fn kind(name: &str) -> Result<Kind, String> {
    let known = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    known.ok_or_else(|| format!("the kinds are {}", Kind::ALL.map(Kind::name).join(", ")))
}

fn main() -> ExitCode {
    match differ(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("differ: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn differ(arguments: &Arguments) -> Result<bool, Fault> {
    let search = Search {
        seed: arguments.seed.unwrap_or_else(|| u64::from(fastrand::u32(..))),
        until: Until::Elapsed(Duration::from_secs(arguments.seconds)),
        kinds: if arguments.only.is_empty() {
            Kind::ALL.to_vec()
        } else {
            arguments.only.clone()
        },
        folder: arguments.found.clone().unwrap_or_else(|| folder().join("found")),
    };
    eprintln!("seed {}", search.seed);
    let bar = bar(arguments.seconds)?;
    let mut told = |text: &str| bar.suspend(|| eprintln!("{text}"));
    let mut shown = |rows: &[Row]| {
        let (cases, differences) = totals(rows);
        bar.set_position(rows.iter().map(|row| row.seconds as u64).sum());
        bar.set_message(format!("{} cases, {differences} differences", grouped(cases)));
    };
    let rows = search.run(&mut told, &mut shown)?;
    bar.finish_and_clear();
    if arguments.json {
        print_json(&rows)?;
    } else {
        println!("{}", table(&rows));
    }
    let (cases, differences) = totals(&rows);
    if !arguments.json {
        println!(
            "{} cases, {differences} differences, seed {}",
            grouped(cases),
            search.seed
        );
    }
    Ok(differences == 0)
}

fn bar(seconds: u64) -> Result<ProgressBar, Fault> {
    if !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("[{bar:40}] {pos} of {len} s, {msg}")
        .map_err(Fault::during("the progress bar"))?;
    Ok(ProgressBar::new(seconds).with_style(style))
}

fn totals(rows: &[Row]) -> (u64, u64) {
    let cases = rows.iter().map(|row| row.cases).sum();
    (cases, rows.iter().map(|row| row.differences).sum())
}

fn table(rows: &[Row]) -> Table {
    let mut table = plain(&["kind", "cases", "differences", "seconds", "cases/s"], 1..5);
    for row in rows {
        table.add_row([
            row.kind.name().to_owned(),
            grouped(row.cases),
            row.differences.to_string(),
            format!("{:.1}", row.seconds),
            grouped(row.speed() as u64),
        ]);
    }
    table
}

fn grouped(number: u64) -> String {
    report::grouped(&number.to_string())
}
