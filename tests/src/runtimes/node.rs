//! Node, by both faces. The typed face is the npm package, built here when its sources have changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};

use tokenlatch_build::{Built, Options, build};

use super::process::Process;
use crate::fault::Fault;

fn runners() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runners/node")
}

/// The folder of the npm package.
#[must_use]
pub fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../js")
}

pub(crate) fn plain(built: &Built) -> Result<Process, Fault> {
    let mut program = Program::new("node");
    program.arg(runners().join("plain.mjs")).arg(&built.wasm);
    Process::start(program)
}

pub(crate) fn typed(_: &Built) -> Result<Process, Fault> {
    build_package()?;
    let mut program = Program::new("node");
    program.arg(runners().join("typed.mjs"));
    Process::start(program)
}

/// Builds the npm package: its dependencies when the lock file has changed, then the module and the TypeScript.
///
/// # Errors
/// When npm or the compiler fails; the text holds what it said.
pub fn build_package() -> Result<(), Fault> {
    let package = package();
    let lock = package.join("package-lock.json");
    let stamp = package.join("node_modules/.installed");
    let wanted = fs::read(&lock).map_err(Fault::during(lock.display()))?;
    if fs::read(&stamp).map_or(true, |installed| installed != wanted) {
        npm(&package, &["ci", "--no-audit", "--no-fund"])?;
        fs::write(&stamp, wanted).map_err(Fault::during(stamp.display()))?;
    }
    build(&Options {
        out: Some(package.join("dist/module")),
    })
    .map_err(Fault::during("building the module"))?;
    npm(&package, &["run", "--silent", "build:types"])
}

fn npm(package: &Path, arguments: &[&str]) -> Result<(), Fault> {
    let shown = format!("npm {}", arguments.join(" "));
    let output = Program::new("npm")
        .args(arguments)
        .current_dir(package)
        .stdin(Stdio::null())
        .output()
        .map_err(Fault::during("npm can't be started; install Node.js 20 or newer"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Fault::new(format!(
        "{shown} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}
