//! The outcomes so far, kept between runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokenlatch_vectors::fault::Fault;
use tokenlatch_vectors::hex::hex;

use crate::folders::Folders;
use crate::mutant::Mutant;
use crate::tree::sources;

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// A test failed.
    Caught,
    /// The tests didn't end.
    Timeout,
    /// It doesn't compile.
    Unviable,
    /// The fast tests passed; the others weren't run.
    Slow,
    /// All tests passed.
    Missed,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct OfFile {
    /// SHA-256 of the file that was mutated, up to its tests.
    sha256: String,
    outcomes: BTreeMap<String, Outcome>,
}

/// The outcomes of all files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// SHA-256 of the tests and of the whole core.
    tests: String,
    /// Whether they passed without a mutant.
    #[serde(default)]
    pub(crate) sound: bool,
    files: BTreeMap<String, OfFile>,
}

/// The part of cargo-mutants' `outcomes.json` that is read.
#[derive(Debug, Deserialize)]
struct Out {
    outcomes: Vec<Scenario>,
}

#[derive(Debug, Deserialize)]
struct Scenario {
    scenario: serde_json::Value,
    summary: String,
}

impl Results {
    /// Reads the results, and takes over those of a run that was stopped.
    pub(crate) fn load(folders: &Folders, fresh: bool) -> Result<Self, Fault> {
        let path = folders.state().join("results.json");
        if fresh {
            _ = fs::remove_dir_all(folders.run());
            _ = fs::remove_file(&path);
        }
        let mut results = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(Fault::during(path.display()))?,
            Err(_) => Results::default(),
        };
        results.take_over(folders)?;
        Ok(results)
    }

    pub(crate) fn save(&self, folders: &Folders) -> Result<(), Fault> {
        let path = folders.state().join("results.json");
        let text = serde_json::to_string_pretty(self).map_err(Fault::during("the results"))?;
        fs::write(&path, text).map_err(Fault::during(path.display()))
    }

    /// Takes over the outcomes of cargo-mutants' last run.
    pub(crate) fn take_over(&mut self, folders: &Folders) -> Result<(), Fault> {
        let path = folders.run().join("mutants.out/outcomes.json");
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(());
        };
        // A run that was stopped may have left half a file.
        let Ok(out) = serde_json::from_str::<Out>(&text) else {
            return Ok(());
        };
        let whole = folders.run().join("whole").exists();
        for Scenario { scenario, summary } in out.outcomes {
            let mutant = scenario.get("Mutant");
            let part = |key| mutant.and_then(|mutant| mutant.get(key)?.as_str());
            let (Some(name), Some(file)) = (part("name"), part("file")) else {
                continue;
            };
            let outcome = match summary.as_str() {
                "CaughtMutant" => Outcome::Caught,
                "Timeout" => Outcome::Timeout,
                "Unviable" => Outcome::Unviable,
                "MissedMutant" if whole => Outcome::Missed,
                "MissedMutant" => Outcome::Slow,
                _ => continue,
            };
            if let Some(of_file) = self.files.get_mut(file) {
                of_file.outcomes.insert(name.into(), outcome);
            }
        }
        self.save(folders)
    }

    /// Forgets the outcomes of files that have changed, and the missed mutants if a test has.
    pub(crate) fn forget_changed(&mut self, folders: &Folders, mutants: &[Mutant]) -> Result<(), Fault> {
        let names: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        self.files.retain(|file, _| names.contains(file.as_str()));
        for file in names {
            let path = folders.checkout.join(file);
            let text = fs::read_to_string(&path).map_err(Fault::during(path.display()))?;
            let rules = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
            let sha256 = hex(&Sha256::digest(rules));
            let of_file = self.files.entry(file.into()).or_default();
            if of_file.sha256 != sha256 {
                *of_file = OfFile {
                    sha256,
                    outcomes: BTreeMap::new(),
                };
            }
        }
        let tests = sources(folders)?;
        let tests = tests
            .iter()
            .filter(|path| path.starts_with("core") || path.starts_with("tests/vectors"));
        let tests: Vec<_> = tests
            .filter(|path| path.extension().is_some_and(|extension| extension != "md"))
            .map(|path| folders.checkout.join(path))
            .filter(|path| path.is_file())
            .collect();
        let tests = digest_of(tests.iter().map(AsRef::as_ref))?;
        if self.tests != tests {
            let survived = |outcome: &Outcome| matches!(outcome, Outcome::Slow | Outcome::Missed);
            for of_file in self.files.values_mut() {
                of_file.outcomes.retain(|_, outcome| !survived(outcome));
            }
            self.tests = tests;
            self.sound = false;
        }
        // What a stopped run has left was taken over, and is out of date now.
        _ = fs::remove_dir_all(folders.run());
        self.save(folders)
    }

    pub(crate) fn of(&self, mutant: &Mutant) -> Option<Outcome> {
        self.files.get(&mutant.file)?.outcomes.get(&mutant.name).copied()
    }
}

fn digest_of<'a>(paths: impl Iterator<Item = &'a Path>) -> Result<String, Fault> {
    let mut digest = Sha256::new();
    for path in paths {
        let bytes = fs::read(path).map_err(Fault::during(path.display()))?;
        digest.update(Sha256::digest(bytes));
    }
    Ok(hex(&digest.finalize()))
}
