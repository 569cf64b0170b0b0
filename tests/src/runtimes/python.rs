//! CPython with `wasmtime` from PyPI, installed into the target folder.

use std::fs;
use std::path::PathBuf;
use std::process::{Command as Program, Stdio};

use tokenlatch_build::Built;

use super::process::Process;
use crate::fault::Fault;

pub(crate) fn start(built: &Built) -> Result<Process, Fault> {
    let runner = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runners/python");
    let requirements = runner.join("requirements.txt");
    let packages = built.folder.join("python");
    install(&requirements, &packages)?;
    let mut program = Program::new("python3");
    program
        .arg(runner.join("runner.py"))
        .arg(&built.wasm)
        .env("PYTHONPATH", &packages)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Process::start(program)
}

/// Installs the requirements, once for each state of their file.
fn install(requirements: &PathBuf, packages: &PathBuf) -> Result<(), Fault> {
    let wanted = fs::read(requirements).map_err(Fault::during(requirements.display()))?;
    let stamp = packages.join("requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let output = Program::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--upgrade",
            "--target",
        ])
        .arg(packages)
        .arg("--requirement")
        .arg(requirements)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Fault::missing(format!(
                "python3 can't be started; install Python 3.9 or newer with pip: {error}"
            ))
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Fault::missing(format!(
            "pip can't install {}: {said}",
            requirements.display()
        )));
    }
    fs::write(&stamp, wanted).map_err(Fault::during(stamp.display()))
}
