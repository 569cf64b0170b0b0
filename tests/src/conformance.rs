//! Runs the suite on every runtime of this machine.

use tokenlatch_build::{Built, Options, build};

use crate::fault::Fault;
use crate::report::disagreements;
use crate::runtimes::{Entry, all};
use crate::suite::{Outcome, run};
use crate::vectors::{Vectors, load};

/// The results of all runtimes.
#[derive(Debug)]
pub struct Conformance {
    /// The runtimes that answered.
    pub outcomes: Vec<Outcome>,
    /// Runtimes that are missing or lack a tool, with the reason.
    pub skipped: Vec<String>,
    /// Runtimes that failed, with the reason. These are always faults.
    pub broken: Vec<String>,
}

/// Whether a skip is a failure: `TOKENLATCH_REQUIRE_ALL=1`.
#[must_use]
pub fn require_all() -> bool {
    std::env::var("TOKENLATCH_REQUIRE_ALL").is_ok_and(|value| value == "1")
}

impl Conformance {
    /// Builds the module and runs every vector on every runtime whose name contains `only`. Progress and skips are reported on
    /// standard error.
    ///
    /// # Errors
    /// The module cannot be built, or the vectors cannot be read.
    pub fn run(only: Option<&str>) -> Result<Self, Fault> {
        let built = build(&Options::default()).map_err(Fault::during("building the module"))?;
        let vectors = load()?;
        let part = only.unwrap_or_default().to_lowercase();
        let mut conformance = Conformance {
            outcomes: Vec::new(),
            skipped: Vec::new(),
            broken: Vec::new(),
        };
        for entry in all().iter().filter(|entry| entry.name.to_lowercase().contains(&part)) {
            conformance.ask(entry, &built, &vectors);
        }
        Ok(conformance)
    }

    fn ask(&mut self, entry: &Entry, built: &Built, vectors: &Vectors) {
        eprintln!("running {} vectors on {}", vectors.count, entry.name);
        match (entry.start)(built) {
            Err(fault) if fault.is_missing() => {
                eprintln!("SKIPPED {}: {fault}", entry.name);
                self.skipped.push(format!("{}: {fault}", entry.name));
            }
            Err(fault) => self.broken.push(format!("{} doesn't start: {fault}", entry.name)),
            Ok(mut runtime) => match run(runtime.as_mut(), vectors) {
                Ok(outcome) => self.outcomes.push(outcome),
                Err(fault) => self.broken.push(format!("{} failed: {fault}", entry.name)),
            },
        }
    }

    /// All faults; empty if there are none. A skip is a fault with `TOKENLATCH_REQUIRE_ALL=1`.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for outcome in &self.outcomes {
            let Outcome { identity, failures, .. } = outcome;
            let who = format!("{} ({})", identity.runtime, identity.face);
            faults.extend(failures.iter().map(|failure| format!("{who}: {failure}")));
        }
        faults.extend(self.broken.iter().cloned());
        faults.extend(disagreements(&self.outcomes));
        if require_all() {
            faults.extend(self.skipped.iter().map(|skipped| format!("skipped {skipped}")));
        }
        faults
    }

    /// One line: how many runtimes ran, whether they agree, and which were skipped.
    #[must_use]
    pub fn summary(&self) -> String {
        let verdict = if self.broken.is_empty() && disagreements(&self.outcomes).is_empty() {
            "agree"
        } else {
            "DON'T agree"
        };
        format!(
            "{} runtimes {verdict}, {} skipped",
            self.outcomes.len(),
            self.skipped.len()
        )
    }
}
