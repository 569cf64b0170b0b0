//! Programs from PyPI, installed into the target folder at pinned versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::program::{once, programs, unless_missing};
use crate::fault::Fault;

/// A virtual environment with the packages of a requirements file.
#[derive(Debug)]
pub struct Python {
    folder: PathBuf,
}

impl Python {
    /// Creates the environment, once for each state of the requirements. Reports a skip if this machine cannot.
    ///
    /// # Errors
    /// Any other failure; also a skip if `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn with(name: &str) -> Result<Option<Self>, Fault> {
        unless_missing(Python::install(name))
    }

    fn install(name: &str) -> Result<Self, Fault> {
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tools/{name}.txt"));
        let listed = fs::read_to_string(&requirements).map_err(Fault::during(requirements.display()))?;
        let folder = programs()?.join(format!("../python-{name}"));
        // The installed programs contain the path of their folder.
        let wanted = format!("# {}\n{listed}", folder.display());
        let python = Python { folder: folder.clone() };
        once(&folder, "requirements.txt", &wanted, || {
            let _ = fs::remove_dir_all(&folder);
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            // The lists are complete. The program that a plugin belongs to, such as certbot, is not needed to run it and is left
            // out.
            run(python
                .command("pip")
                .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps"])
                .arg("--requirement")
                .arg(&requirements))
        })?;
        Ok(python)
    }

    /// A program of the environment, such as `python`.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.program(name));
        command.stdin(Stdio::null());
        command
    }

    /// The path of a program of the environment.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

/// Runs an installation. A failure is taken for something missing on this machine or for a missing network.
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
