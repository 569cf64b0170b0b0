//! The targets of a measurement, in turns.

use tokenlatch_tests::Fault;

use crate::report::Row;
use crate::wrk::{Aim, Run, Wrk};

/// A target of a measurement.
pub struct Target {
    name: String,
    aim: Aim,
    /// Whether the targets after it are compared with it.
    first: bool,
    runs: Vec<Run>,
}

impl Target {
    /// A target that those after it are compared with.
    pub fn first(name: impl Into<String>, aim: Aim) -> Target {
        Target {
            first: true,
            ..Target::new(name, aim)
        }
    }

    /// A target that is compared with the last first one.
    pub fn new(name: impl Into<String>, aim: Aim) -> Target {
        Target {
            name: name.into(),
            aim,
            first: false,
            runs: Vec::new(),
        }
    }
}

/// Measures each target once per round.
///
/// # Errors
/// A request was lost, or had an unexpected answer.
pub fn measure(targets: &mut [Target], wrk: &Wrk, rounds: usize) -> Result<(), Fault> {
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for target in &mut *targets {
            target.runs.push(wrk.run(&target.aim)?);
        }
    }
    Ok(())
}

/// The medians of all targets.
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
