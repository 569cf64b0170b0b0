//! Runs cargo-mutants and cargo, in the copy.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::{Command, Stdio};

use tokenlatch_vectors::fault::Fault;

use crate::folders::Folders;
use crate::mutant::{Listed, Mutant};

const INSTALL: &str = "install it with `cargo install --locked cargo-mutants --version 27.1.0`";
/// Optimised libraries, so that a run of the vectors takes two thirds of the time; they are compiled once.
const OPTIMISED: &str = "--config=profile.dev.package.\"*\".opt-level=2";
/// Seconds after which a build or the tests of a mutant are stopped: enough on a busy machine, so that only a mutant that never ends
/// counts as a timeout.
const BUILD_LIMIT: &str = "900";
const TEST_LIMIT: &str = "300";

/// Which tests a mutant is run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tests {
    /// The vectors on the native core.
    Fast,
    /// All tests of both packages.
    Whole,
}

impl Tests {
    fn packages(self) -> &'static [&'static str] {
        match self {
            Tests::Fast => &["tokenlatch-vectors"],
            Tests::Whole => &["tokenlatch-core", "tokenlatch-vectors"],
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Tests::Fast => &["--test", "native"],
            Tests::Whole => &["--lib", "--tests"],
        }
    }
}

pub(crate) fn check_version() -> Result<(), Fault> {
    let output = Command::new("cargo").args(["mutants", "--version"]).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(_) => Err(Fault::new(format!("cargo-mutants is missing; {INSTALL}"))),
        Err(error) => Err(Fault::new(format!("cargo can't be started: {error}"))),
    }
}

/// Every mutant of the files in the configuration.
pub(crate) fn list(folders: &Folders) -> Result<Vec<Mutant>, Fault> {
    let output = mutants(folders)
        .args(["--list", "--json"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(Fault::during("cargo mutants --list"))?;
    let listed: Vec<Listed> = serde_json::from_slice(&output.stdout).map_err(Fault::during("the list of mutants"))?;
    let mut texts = BTreeMap::new();
    for one in &listed {
        let path = folders.tree().join(one.file());
        let text = fs::read_to_string(&path).map_err(Fault::during(path.display()))?;
        texts.insert(one.file().to_owned(), text);
    }
    let with_text = |(number, one): (usize, Listed)| {
        let text = texts.get(one.file()).map_or("", String::as_str);
        one.mutant(number, text)
    };
    Ok(listed.into_iter().enumerate().map(with_text).collect())
}

/// Runs the tests without a mutant.
pub(crate) fn baseline(folders: &Folders) -> Result<(), Fault> {
    let mut command = prepared(folders, "cargo");
    command.current_dir(folders.tree()).args(["test", OPTIMISED]);
    for package in Tests::Whole.packages() {
        command.args(["--package", package]);
    }
    if logged(folders, command.args(Tests::Whole.arguments()))? == Some(0) {
        return Ok(());
    }
    let log = folders.log();
    Err(Fault::new(format!(
        "the tests fail without a mutant; the output is in {}",
        log.display()
    )))
}

/// Tests some mutants: all but those in `others`.
pub(crate) fn test(folders: &Folders, others: &[&Mutant], tests: Tests) -> Result<(), Fault> {
    let out = folders.run().join("mutants.out");
    _ = fs::remove_dir_all(folders.run());
    fs::create_dir_all(&out).map_err(Fault::during(out.display()))?;
    // With `--iterate`, cargo-mutants passes over the names in this file.
    let names: String = others.iter().map(|mutant| format!("{}\n", mutant.name)).collect();
    let path = out.join("caught.txt");
    fs::write(&path, names).map_err(Fault::during(path.display()))?;
    if tests == Tests::Whole {
        let path = folders.run().join("whole");
        fs::write(&path, "").map_err(Fault::during(path.display()))?;
    }
    let mut command = mutants(folders);
    command.args(["--in-place", "--iterate", "--baseline", "skip", "--colors", "never"]);
    command.args(["--timeout", TEST_LIMIT, "--build-timeout", BUILD_LIMIT]);
    command.arg("--output").arg(folders.run());
    command.arg(format!("--cargo-arg={OPTIMISED}"));
    for package in tests.packages() {
        command.args(["--test-package", package]);
    }
    command.arg("--").args(tests.arguments());
    match logged(folders, &mut command)? {
        // All caught, some missed, some timed out.
        Some(0 | 2 | 3) => Ok(()),
        _ => {
            let log = folders.log();
            Err(Fault::new(format!(
                "cargo-mutants failed; the output is in {}",
                log.display()
            )))
        }
    }
}

fn mutants(folders: &Folders) -> Command {
    let mut command = prepared(folders, "cargo");
    command.args(["mutants", "--package", "tokenlatch-core"]);
    command.arg("--dir").arg(folders.tree());
    command.arg("--config").arg(folders.configuration());
    command
}

/// A program at the lowest priority, with inputs of the property tests that are always the same.
fn prepared(folders: &Folders, program: &str) -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", "19", program]);
    command.env("CARGO_TARGET_DIR", folders.build());
    command.env("PROPTEST_RNG_SEED", "20261122");
    command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    for profile in ["DEV", "TEST"] {
        command.env(format!("CARGO_PROFILE_{profile}_DEBUG"), "false");
    }
    command
}

fn logged(folders: &Folders, command: &mut Command) -> Result<Option<i32>, Fault> {
    let path = folders.log();
    let log = File::create(&path).map_err(Fault::during(path.display()))?;
    let errors = log.try_clone().map_err(Fault::during(path.display()))?;
    let status = command.stdin(Stdio::null()).stdout(log).stderr(errors).status();
    Ok(status.map_err(Fault::during("nice can't be started"))?.code())
}
