//! Changes one expression of the core at a time and expects a test to fail.

mod arguments;
mod explained;
mod folders;
mod mutant;
mod report;
mod results;
mod run;
mod tool;
mod tree;

use std::process::ExitCode;

use clap::Parser;
use tokenlatch_vectors::fault::Fault;

use arguments::Arguments;
use explained::Explanations;
use folders::Folders;
use report::Report;
use results::Results;

fn main() -> ExitCode {
    match mutants(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("mutants: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn mutants(arguments: &Arguments) -> Result<bool, Fault> {
    let folders = Folders::of_checkout();
    tool::check_version()?;
    let _lock = tree::lock(&folders)?;
    let mut results = Results::load(&folders, arguments.fresh)?;
    tree::copy(&folders)?;
    let all = tool::list(&folders)?;
    results.forget_changed(&folders, &all)?;
    let chosen: Vec<_> = all.into_iter().filter(|mutant| arguments.chooses(mutant)).collect();
    if chosen.is_empty() {
        return Err(Fault::new(
            "no mutant is chosen; `--file` is a part of a path such as `token/expiry`",
        ));
    }
    if !arguments.report {
        run::all(&folders, &chosen, &mut results)?;
    }
    let explanations = Explanations::read(&folders.explanations())?;
    let report = Report::new(&chosen, &results, &explanations);
    if arguments.json {
        println!("{}", report.json()?);
    } else {
        println!("{}", report.text());
    }
    Ok(report.is_good())
}
