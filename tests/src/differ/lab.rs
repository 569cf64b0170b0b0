//! Asks the runtimes and the model, and compares.

use std::process::Command as Program;
use std::thread;

use serde::Deserialize;
use serde_json::Value;
use tokenlatch_build::Built;
use tokenlatch_vectors::check::meets;
use tokenlatch_vectors::folder::folder;
use tokenlatch_vectors::step::Expectation;

use super::case::{Step, line};
use crate::command::Command;
use crate::fault::Fault;
use crate::runtimes::javascript::NODE;
use crate::runtimes::{Loaded, Native, PlainAbi, Process, Runtime};

/// What the runtimes are asked with: in the process, and as processes that are started for each round.
pub(super) struct Lab {
    built: Built,
    loaded: Loaded,
}

/// The result of one case.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All answers are the same, and as the model says.
    Same,
    /// All answers are the same. Some of them the documents leave open.
    Open,
    /// An answer differs.
    Differs(Difference),
}

/// The first answer of a case that differs.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    /// The step's index.
    pub(super) step: usize,
    /// Each answer, and the expected one, by whose it is.
    pub(super) answers: Vec<(String, String)>,
}

/// A line of the model.
#[derive(Deserialize)]
struct Expected {
    expect: Vec<Value>,
}

impl Lab {
    pub(super) fn new(built: Built) -> Result<Self, Fault> {
        Ok(Lab {
            loaded: Loaded::new(&built)?,
            built,
        })
    }

    /// The native core and an instance of the module, both new, so that they number their tables alike.
    pub(super) fn instances(&self) -> Result<(Native, PlainAbi), Fault> {
        Ok((Native::default(), self.loaded.start()?))
    }

    /// Runs cases everywhere.
    ///
    /// # Errors
    /// A runtime or the model can't be started, or stops.
    pub(super) fn run(&self, cases: &[Vec<Step>]) -> Result<Vec<Outcome>, Fault> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        let commands = cases
            .iter()
            .flatten()
            .map(Step::command)
            .collect::<Result<Vec<_>, _>>()?;
        let commands: Vec<&Command> = commands.iter().collect();
        let built = &self.built;
        let (mut native, mut module) = self.instances()?;
        let (expected, said) = thread::scope(|scope| {
            let model = scope.spawn(|| expected(cases));
            let plain = scope.spawn(|| NODE.start(built, "plain")?.answer(&commands));
            let typed = scope.spawn(|| NODE.start(built, "typed")?.answer(&commands));
            let near = [
                ("native", native.answer(&commands)),
                ("wasmtime", module.answer(&commands)),
            ];
            let far = [("Node, plain", joined(plain)), ("Node, typed", joined(typed))];
            (joined(model), near.into_iter().chain(far).collect::<Vec<_>>())
        });
        let expected = expected?;
        let mut answers = Vec::new();
        for (name, said) in said {
            let said = said.map_err(|fault| Fault::new(format!("{name}: {fault}")))?;
            if said.len() != commands.len() {
                return Err(Fault::new(format!(
                    "{name} answered {} of {} commands",
                    said.len(),
                    commands.len()
                )));
            }
            answers.push((name, said));
        }
        let mut from = 0;
        let mut outcomes = Vec::new();
        for (case, expected) in cases.iter().zip(&expected) {
            let answers = answers.iter().map(|(name, all)| (*name, &all[from..from + case.len()]));
            outcomes.push(compare(&answers.collect::<Vec<_>>(), expected));
            from += case.len();
        }
        Ok(outcomes)
    }
}

/// The result of a thread.
pub(super) fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Fault>>) -> Result<T, Fault> {
    thread
        .join()
        .unwrap_or_else(|_| Err(Fault::new("a thread ended early")))
}

/// The model's answers to cases.
fn expected(cases: &[Vec<Step>]) -> Result<Vec<Vec<Value>>, Fault> {
    let mut program = Program::new("python3");
    program.arg(folder().join("oracle.py"));
    let lines: Vec<String> = cases.iter().map(|case| line(case)).collect();
    let said = Process::start(program)?.exchange((lines.join("\n") + "\n").into_bytes())?;
    if said.len() != cases.len() {
        return Err(Fault::new(format!(
            "the model answered {} of {} cases",
            said.len(),
            cases.len()
        )));
    }
    let read = |(case, line): (&Vec<Step>, String)| match serde_json::from_str::<Expected>(&line) {
        Ok(expected) if expected.expect.len() == case.len() => Ok(expected.expect),
        _ => Err(Fault::new(format!("the model said `{line}`"))),
    };
    cases.iter().zip(said).map(read).collect()
}

/// Compares the answers to one case, byte by byte, and with the model's.
pub(super) fn compare(answers: &[(&str, &[String])], expected: &[Value]) -> Outcome {
    let mut is_open = false;
    for (step, expect) in expected.iter().enumerate() {
        let said: Vec<&str> = answers.iter().map(|(_, all)| all[step].as_str()).collect();
        let same = said.windows(2).all(|pair| pair[0] == pair[1]);
        let met = match said.first() {
            _ if expect.is_null() => {
                is_open = true;
                true
            }
            Some(first) => serde_json::from_str(first)
                .is_ok_and(|answer: Value| meets(&answer, &Expectation::Exact(expect.clone()))),
            None => false,
        };
        if !same || !met {
            let mut answers: Vec<_> = answers
                .iter()
                .map(|(name, all)| ((*name).to_owned(), all[step].clone()))
                .collect();
            answers.push((
                "model".into(),
                if expect.is_null() {
                    "(open)".into()
                } else {
                    expect.to_string()
                },
            ));
            return Outcome::Differs(Difference { step, answers });
        }
    }
    if is_open { Outcome::Open } else { Outcome::Same }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Outcome, compare};

    fn outcome(native: &str, module: &str, expected: serde_json::Value) -> Outcome {
        let (native, module) = ([native.to_owned()], [module.to_owned()]);
        compare(&[("native", &native), ("wasmtime", &module)], &[expected])
    }

    #[test]
    fn tells_a_difference_of_a_byte_and_one_from_the_model() {
        let good = r#"{"ok":{"valid":true}}"#;
        assert!(matches!(
            outcome(good, good, json!({"ok":{"valid":true}})),
            Outcome::Same
        ));
        assert!(matches!(
            outcome(good, r#"{"ok": {"valid":true}}"#, json!({"ok":{"valid":true}})),
            Outcome::Differs(_)
        ));
        assert!(matches!(
            outcome(good, good, json!({"ok":{"valid":false}})),
            Outcome::Differs(_)
        ));
        assert!(matches!(outcome(good, good, json!({"ok":{}})), Outcome::Differs(_)));
        assert!(matches!(outcome(good, good, json!(null)), Outcome::Open));
        assert!(matches!(outcome(good, "{}", json!(null)), Outcome::Differs(_)));
        let error = r#"{"error":{"code":"name_empty","message":"…","field":"name"}}"#;
        assert!(matches!(
            outcome(error, error, json!({"error":{"code":"name_empty"}})),
            Outcome::Same
        ));
        assert!(matches!(
            outcome(error, error, json!({"error":{"code":"name_empty","field":"user"}})),
            Outcome::Differs(_)
        ));
    }
}
