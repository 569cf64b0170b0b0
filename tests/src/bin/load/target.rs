//! What is measured, in turns.

use tokenlatch_tests::Fault;

use crate::report::Row;
use crate::wrk::{Aim, Run, Wrk};

/// Something to be measured.
pub struct Target {
    name: String,
    aim: Aim,
    /// Whether those that follow are compared with it.
    first: bool,
    runs: Vec<Run>,
}

impl Target {
    /// One that those after it are compared with.
    pub fn first(name: impl Into<String>, aim: Aim) -> Target {
        Target {
            first: true,
            ..Target::new(name, aim)
        }
    }

    /// One of the others.
    pub fn new(name: impl Into<String>, aim: Aim) -> Target {
        Target {
            name: name.into(),
            aim,
            first: false,
            runs: Vec::new(),
        }
    }
}

/// Measures each once a round.
///
/// # Errors
/// When a request was lost, or had another answer than it must have.
pub fn measure(targets: &mut [Target], wrk: &Wrk, rounds: usize) -> Result<(), Fault> {
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for target in &mut *targets {
            target.runs.push(wrk.run(&target.aim)?);
        }
    }
    Ok(())
}

/// The medians.
pub fn rows(targets: &[Target]) -> Vec<Row> {
    let mut first = None;
    targets
        .iter()
        .map(|target| {
            let row = Row::median(&target.name, &target.runs, first.filter(|_| !target.first));
            if target.first {
                first = Some(row.requests);
            }
            row
        })
        .collect()
}
