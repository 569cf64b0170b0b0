//! The programs under test, built with the same profile as this test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::conformance::require_all;
use crate::fault::Fault;

/// The part of cargo's build messages that is needed.
#[derive(Deserialize)]
struct Said {
    executable: Option<PathBuf>,
}

/// With this selection every crate has the features that `cargo test --workspace` gives it, so nothing is compiled again:
/// `--examples` enables the tests' dependencies, and `conformance` includes the builder of the module.
const SELECTION: [&str; 10] = [
    "--workspace",
    "--examples",
    "--bin",
    "tokenlatch",
    "--bin",
    "uapi",
    "--bin",
    "whmapi1",
    "--bin",
    "conformance",
];

/// The folder of `tokenlatch`, `uapi` and `whmapi1`. `TOKENLATCH_PROGRAMS` names a folder with programs that are already built.
///
/// # Errors
/// The programs cannot be built. The text contains cargo's output.
pub fn programs() -> Result<PathBuf, Fault> {
    static ONCE: OnceLock<Result<PathBuf, Fault>> = OnceLock::new();
    ONCE.get_or_init(build).clone()
}

/// A program, such as `tokenlatch`.
///
/// # Errors
/// As [`programs`].
pub fn program(name: &str) -> Result<PathBuf, Fault> {
    Ok(programs()?.join(name))
}

fn build() -> Result<PathBuf, Fault> {
    if let Some(folder) = std::env::var_os("TOKENLATCH_PROGRAMS") {
        return Ok(folder.into());
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--message-format=json"])
        .args(SELECTION)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    // Cargo sets these variables for a test. Build scripts that read them would run again.
    for (name, _) in std::env::vars_os() {
        let told = |prefix: &&str| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(told) {
            cargo.env_remove(name);
        }
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().map_err(Fault::during("cargo"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Fault::new(format!("building the programs: {said}")));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Said>(line).ok()?.executable)
        .find(|path| path.file_stem().is_some_and(|name| name == "tokenlatch"))
        .and_then(|path| Some(path.parent()?.to_owned()))
        .ok_or_else(|| Fault::new("cargo names no program"))
}

/// Whether a program of this machine can be started. A missing program is reported as a skip.
///
/// # Errors
/// The program is missing and `TOKENLATCH_REQUIRE_ALL` is set.
pub fn require(name: &str) -> Result<Option<PathBuf>, Fault> {
    let found = std::env::var_os("PATH")
        .iter()
        .flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>())
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder: PathBuf| folder.join(name))
        .find(|path| path.is_file());
    unless_missing(found.ok_or_else(|| Fault::missing(format!("`{name}` is missing"))))
}

/// Runs an installation once for each state of `wanted`, which is recorded in a file of the folder.
///
/// # Errors
/// The files cannot be used, or the installation fails.
pub(super) fn once(
    folder: &Path,
    kept: &str,
    wanted: &str,
    install: impl FnOnce() -> Result<(), Fault>,
) -> Result<(), Fault> {
    // Two tests may install it at once.
    let lock = fs::File::create(folder.with_extension("lock")).map_err(Fault::during("the lock file"))?;
    lock.lock().map_err(Fault::during("waiting for the lock file"))?;
    let kept = folder.join(kept);
    if fs::read_to_string(&kept).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(&kept, wanted).map_err(Fault::during(kept.display()))
}

/// Turns a missing tool into a reported skip.
///
/// # Errors
/// Any other fault; also a missing tool if `TOKENLATCH_REQUIRE_ALL` is set.
pub fn unless_missing<T>(found: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.is_missing() && !require_all() => {
            eprintln!("SKIPPED: {fault}");
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}
