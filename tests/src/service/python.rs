//! Programs from PyPI, installed into the target folder at the versions that are written down.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::program::{once, programs, unless_missing};
use crate::fault::Fault;

/// A virtual environment that has what a file of requirements lists.
#[derive(Debug)]
pub struct Python {
    folder: PathBuf,
}

impl Python {
    /// Makes it, once for each state of the requirements; says aloud where this machine can't.
    ///
    /// # Errors
    /// When something but this machine is at fault, and where it is, when `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn with(name: &str) -> Result<Option<Self>, Fault> {
        unless_missing(Python::install(name))
    }

    fn install(name: &str) -> Result<Self, Fault> {
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tools/{name}.txt"));
        let listed = fs::read_to_string(&requirements).map_err(Fault::during(requirements.display()))?;
        let folder = programs()?.join(format!("../python-{name}"));
        // Its programs know the folder that they were installed into.
        let wanted = format!("# {}\n{listed}", folder.display());
        let python = Python { folder: folder.clone() };
        once(&folder, "requirements.txt", &wanted, || {
            let _ = fs::remove_dir_all(&folder);
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            // The lists are whole. What a plugin is made for, such as certbot, isn't needed to run it and isn't in them.
            run(python
                .command("pip")
                .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps"])
                .arg("--requirement")
                .arg(&requirements))
        })?;
        Ok(python)
    }

    /// A program of it, such as `python`.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.program(name));
        command.stdin(Stdio::null());
        command
    }

    /// Where a program of it lies.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

/// Runs what installs something; where it fails, this machine or its way to a registry lacks something.
pub(super) fn run(command: &mut Command) -> Result<(), Fault> {
    let shown = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Fault::missing(format!("{shown}: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Fault::missing(format!(
            "{shown}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))),
    }
}
