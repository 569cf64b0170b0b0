//! What a run of a target showed.

use std::fs;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use serde::Serialize;
use tokenlatch_tests::Fault;
use tokenlatch_tests::report::plain;

use crate::build::{OPTIONS, root};

/// What libFuzzer printed.
#[derive(Default)]
pub struct Reading {
    executions: u64,
    edges: u64,
    inputs: u64,
    /// The message of a panic, with its place.
    panic: Vec<String>,
    /// Whether the lines of a panic's message go on.
    panics: bool,
    artifact: Option<String>,
}

impl Reading {
    /// Reads a line such as `#123 NEW cov: 12 ft: 34 corp: 5/67b …`.
    pub fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |after: &str| -> Option<u64> {
            let at = words.iter().position(|word| *word == after)?;
            words.get(at + 1)?.split('/').next()?.parse().ok()
        };
        if let Some(count) = words.first().and_then(|word| word.strip_prefix('#')?.parse().ok()) {
            self.executions = self.executions.max(count);
            self.edges = number("cov:").unwrap_or(self.edges);
            self.inputs = number("corp:").unwrap_or(self.inputs);
        } else if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = count.trim().parse().unwrap_or(self.executions);
        } else if line.contains(" panicked at ") {
            self.panics = true;
        } else if line.starts_with("stack backtrace:") || line.starts_with("note: run with") || line.starts_with("==") {
            self.panics = false;
        } else if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.artifact = Some(path.to_owned());
        }
        if self.panics || line.starts_with("SUMMARY: libFuzzer: ") && self.panic.is_empty() {
            self.panic.push(line.chars().take(400).collect());
        }
    }
}

/// A target and what its run showed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub target: String,
    pub executions: u64,
    pub executions_per_second: u64,
    /// The edges of the control flow that were reached (`cov:` of libFuzzer).
    pub edges: u64,
    /// Inputs in the tree, and their bytes.
    pub inputs: u64,
    pub bytes: u64,
    /// Inputs that the run ended with.
    pub inputs_at_end: u64,
    /// What broke, if anything did.
    pub failure: Option<String>,
    /// The input that broke it, below the root.
    pub artifact: Option<String>,
}

impl Outcome {
    pub fn new(
        name: &str,
        corpus: &Path,
        reading: Reading,
        status: ExitStatus,
        time: Duration,
    ) -> Result<Outcome, Fault> {
        let (inputs, bytes) = size(corpus)?;
        let failure = (!status.success()).then(|| match reading.panic.is_empty() {
            true => format!("the target ended with {status}"),
            false => reading.panic.join("\n    "),
        });
        let own = format!("{}/", root().display());
        Ok(Outcome {
            target: name.to_owned(),
            executions: reading.executions,
            executions_per_second: (reading.executions as f64 / time.as_secs_f64().max(0.001)) as u64,
            edges: reading.edges,
            inputs,
            bytes,
            inputs_at_end: reading.inputs,
            failure,
            artifact: reading.artifact.map(|path| path.replace(&own, "")),
        })
    }

    pub fn is_good(&self) -> bool {
        self.failure.is_none()
    }

    /// Prints what broke, and what to do.
    pub fn explain(&self) {
        let Some(failure) = &self.failure else {
            return;
        };
        eprintln!("fuzz: `{}` failed:\n    {failure}", self.target);
        if let Some(artifact) = &self.artifact {
            let (options, target) = (OPTIONS.join(" "), &self.target);
            eprintln!("  reproduce: cargo fuzz run {options} {target} {artifact}");
            eprintln!("  shorten:   cargo fuzz tmin {options} {target} {artifact}");
            eprintln!("  once it is mended, keep the input: mv {artifact} tests/fuzz/corpus/{target}/");
        }
    }
}

/// The number of files in a folder, and their bytes.
pub fn size(folder: &Path) -> Result<(u64, u64), Fault> {
    let entries = fs::read_dir(folder).map_err(Fault::during(folder.display()))?;
    let lengths = entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
    Ok(lengths.fold((0, 0), |(count, sum), length| (count + 1, sum + length)))
}

/// The outcomes as a table.
pub fn table(outcomes: &[Outcome]) -> String {
    let header = [
        "target",
        "executions",
        "each second",
        "edges",
        "inputs",
        "kB",
        "at end",
        "",
    ];
    let mut table = plain(&header, 1..7);
    for outcome in outcomes {
        table.add_row([
            outcome.target.clone(),
            outcome.executions.to_string(),
            outcome.executions_per_second.to_string(),
            outcome.edges.to_string(),
            outcome.inputs.to_string(),
            outcome.bytes.div_ceil(1000).to_string(),
            outcome.inputs_at_end.to_string(),
            String::from(if outcome.is_good() { "" } else { "FAILED" }),
        ]);
    }
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>().to_string();
    let failed = outcomes.iter().filter(|outcome| !outcome.is_good()).count();
    table.add_row([
        format!("{} targets", outcomes.len()),
        sum(|outcome| outcome.executions),
        String::new(),
        String::new(),
        sum(|outcome| outcome.inputs),
        sum(|outcome| outcome.bytes.div_ceil(1000)),
        sum(|outcome| outcome.inputs_at_end),
        format!("{failed} failed"),
    ]);
    table.to_string()
}
