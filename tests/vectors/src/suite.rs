//! One suite for every runtime.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::check::meets;
use crate::fault::Fault;
use crate::hex::hex;
use crate::runtime::{Identity, Runtime};
use crate::step::Expectation;
use crate::vectors::Vectors;

/// The results of one runtime.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The runtime that answered.
    #[serde(flatten)]
    pub identity: Identity,
    /// Number of vectors.
    pub vectors: usize,
    /// Number of vectors that were answered as expected, in every step.
    pub passed: usize,
    /// The SHA-256 of all answers, each followed by a line feed.
    pub transcript_sha256: String,
    /// The first few failures, as text.
    #[serde(skip)]
    pub failures: Vec<String>,
    /// Every answer.
    #[serde(skip)]
    pub answers: Vec<String>,
}

impl Outcome {
    /// Whether every vector was answered as expected.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.passed == self.vectors && self.vectors > 0
    }
}

const SHOWN_FAILURES: usize = 10;

/// Runs all vectors on a runtime.
///
/// # Errors
/// The runtime stops answering.
pub fn run(runtime: &mut dyn Runtime, vectors: &Vectors) -> Result<Outcome, Fault> {
    let mut transcript = Sha256::new();
    let mut failed: Vec<&str> = Vec::new();
    let mut failures = Vec::new();
    let commands: Vec<_> = vectors.steps.iter().map(|step| &step.command).collect();
    let answers = runtime.answer(&commands)?;
    if answers.len() != vectors.steps.len() {
        return Err(Fault::new(format!(
            "{} commands were given, {} answers came",
            vectors.steps.len(),
            answers.len()
        )));
    }
    for (step, answer) in vectors.steps.iter().zip(&answers) {
        transcript.update(answer);
        transcript.update("\n");
        let good = serde_json::from_str::<Value>(answer).is_ok_and(|answer| meets(&answer, &step.expect));
        if !good {
            let vector = step.name.split(',').next().unwrap_or(&step.name);
            if failed.last() != Some(&vector) {
                failed.push(vector);
            }
            if failures.len() < SHOWN_FAILURES {
                let (Expectation::Exact(expect) | Expectation::Partial(expect)) = &step.expect;
                failures.push(format!("{}\n    expected {expect}\n    answered {answer}", step.name));
            }
        }
    }
    Ok(Outcome {
        identity: runtime.identity().clone(),
        vectors: vectors.count,
        passed: vectors.count - failed.len(),
        transcript_sha256: hex(&transcript.finalize()),
        failures,
        answers,
    })
}
