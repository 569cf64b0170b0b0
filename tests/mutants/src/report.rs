//! The results by file, the mutants that need a test, and the explanations that aren't needed.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use tokenlatch_vectors::fault::Fault;

use crate::explained::{Explanation, Explanations};
use crate::mutant::Mutant;
use crate::results::{Outcome, Results};

/// Numbers of mutants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    mutants: usize,
    caught: usize,
    timeout: usize,
    unviable: usize,
    missed: usize,
    /// Those missed that are explained.
    explained: usize,
    /// Not tested yet, or not with all tests.
    pending: usize,
}

impl Counts {
    fn add(&mut self, outcome: Option<Outcome>, explained: bool) {
        self.mutants += 1;
        let count = match outcome {
            Some(Outcome::Caught) => &mut self.caught,
            Some(Outcome::Timeout) => &mut self.timeout,
            Some(Outcome::Unviable) => &mut self.unviable,
            Some(Outcome::Missed) => &mut self.missed,
            Some(Outcome::Slow) | None => &mut self.pending,
        };
        *count += 1;
        if outcome == Some(Outcome::Missed) && explained {
            self.explained += 1;
        }
    }
}

/// The results of some mutants.
#[derive(Debug)]
pub(crate) struct Report<'m> {
    files: BTreeMap<&'m str, Counts>,
    total: Counts,
    unexplained: Vec<&'m Mutant>,
    /// Explanations of mutants that are caught, or don't exist.
    stale: Vec<&'m Explanation>,
}

/// Whether an explanation is no longer needed: no mutant makes its change in its line, or all that do were tested and caught.
fn is_stale(one: &Explanation, all: &[Mutant], outcome_of: impl Fn(&Mutant) -> Option<Outcome>) -> bool {
    let mut outcomes = all.iter().filter(|mutant| one.is_of(mutant)).map(outcome_of);
    outcomes.all(|outcome| !matches!(outcome, None | Some(Outcome::Slow | Outcome::Missed)))
}

#[derive(Serialize)]
struct Json<'m> {
    files: &'m BTreeMap<&'m str, Counts>,
    total: Counts,
    unexplained: Vec<&'m str>,
    stale: Vec<String>,
}

impl<'m> Report<'m> {
    /// Reports on the chosen mutants of all.
    pub(crate) fn new(all: &[Mutant], chosen: &'m [Mutant], results: &Results, explanations: &'m Explanations) -> Self {
        let mut report = Report {
            files: BTreeMap::new(),
            total: Counts::default(),
            unexplained: Vec::new(),
            stale: Vec::new(),
        };
        for mutant in chosen {
            let outcome = results.of(mutant);
            let explained = explanations.0.iter().any(|one| one.is_of(mutant));
            report.files.entry(&mutant.file).or_default().add(outcome, explained);
            report.total.add(outcome, explained);
            if outcome == Some(Outcome::Missed) && !explained {
                report.unexplained.push(mutant);
            }
        }
        let stale = |one: &&Explanation| is_stale(one, all, |mutant| results.of(mutant));
        report.stale = explanations.0.iter().filter(stale).collect();
        report
    }

    pub(crate) fn is_good(&self) -> bool {
        self.total.pending == 0 && self.unexplained.is_empty() && self.stale.is_empty()
    }

    pub(crate) fn json(&self) -> Result<String, Fault> {
        let json = Json {
            files: &self.files,
            total: self.total,
            unexplained: self.unexplained.iter().map(|mutant| mutant.name.as_str()).collect(),
            stale: self
                .stale
                .iter()
                .map(|one| format!("{}: {}", one.file, one.change))
                .collect(),
        };
        serde_json::to_string(&json).map_err(Fault::during("the report"))
    }

    pub(crate) fn text(&self) -> String {
        let mut text = self.table();
        for mutant in &self.unexplained {
            text += &format!("\nmissed: {}\n        {}", mutant.name, mutant.code);
        }
        for one in &self.stale {
            text += &format!(
                "\nexplained but not missed: {}: {}\n        {}",
                one.file, one.change, one.code
            );
        }
        if !self.unexplained.is_empty() {
            text +=
                "\nAdd a vector or a test that catches each of them, or the reason why none can to core/MUTANTS.md.";
        }
        if !self.stale.is_empty() {
            text += "\nRemove the explanations that aren't needed from core/MUTANTS.md.";
        }
        if self.total.pending > 0 {
            text += &format!(
                "\n{} mutants wait; the same command without `--report` tests them.",
                self.total.pending
            );
        }
        text
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header([
            "file",
            "mutants",
            "caught",
            "timeout",
            "unviable",
            "missed",
            "explained",
            "pending",
        ]);
        let total = ("total", self.total);
        for (file, counts) in self.files.iter().map(|(file, counts)| (*file, *counts)).chain([total]) {
            let numbers = [
                counts.mutants,
                counts.caught,
                counts.timeout,
                counts.unviable,
                counts.missed,
                counts.explained,
                counts.pending,
            ];
            let numbers = numbers.map(|number| number.to_string());
            table.add_row([file.to_owned()].into_iter().chain(numbers));
        }
        for column in 1..8 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_is_stale_once_nothing_needs_it() {
        let mutant = Mutant {
            number: 0,
            name: "core/src/a.rs:1:1: replace a with b".into(),
            file: "core/src/a.rs".into(),
            change: "replace a with b".into(),
            code: "a".into(),
        };
        let one = Explanation {
            file: mutant.file.clone(),
            change: mutant.change.clone(),
            code: mutant.code.clone(),
        };
        let stale = |outcome| is_stale(&one, std::slice::from_ref(&mutant), |_| outcome);
        for outcome in [None, Some(Outcome::Slow), Some(Outcome::Missed)] {
            assert!(!stale(outcome), "{outcome:?}");
        }
        for outcome in [Outcome::Caught, Outcome::Timeout, Outcome::Unviable] {
            assert!(stale(Some(outcome)), "{outcome:?}");
        }
        assert!(is_stale(&one, &[], |_| None), "its code is gone");
    }
}
