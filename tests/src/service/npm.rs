//! Packages from npm, installed into the target folder at locked versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::program::{once, programs, require, unless_missing};
use super::python::run;
use crate::fault::Fault;

/// A folder with the packages of a lock file, and the scripts that use them.
#[derive(Debug)]
pub struct Npm {
    folder: PathBuf,
    scripts: PathBuf,
}

impl Npm {
    /// Installs what `tools/NAME` locks, once for each state of the lock file. Reports a skip if this machine cannot.
    ///
    /// # Errors
    /// Any other failure; also a skip if `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn with(name: &str) -> Result<Option<Self>, Fault> {
        for program in ["node", "npm"] {
            if require(program)?.is_none() {
                return Ok(None);
            }
        }
        unless_missing(Npm::install(name))
    }

    fn install(name: &str) -> Result<Self, Fault> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
        let (scripts, folder) = (tools.join(name), programs()?.join(format!("../npm-{name}")));
        let locked = scripts.join("package-lock.json");
        let wanted = fs::read_to_string(&locked).map_err(Fault::during(locked.display()))?;
        once(&folder, "node_modules/.installed", &wanted, || {
            fs::create_dir_all(&folder).map_err(Fault::during(folder.display()))?;
            for file in [&locked, &scripts.join("package.json"), &tools.join(".npmrc")] {
                let to = folder.join(file.file_name().unwrap_or_default());
                fs::copy(file, to).map_err(Fault::during(file.display()))?;
            }
            run(Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(&folder))
        })?;
        Ok(Npm { folder, scripts })
    }

    /// A file of a package.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join("node_modules").join(name)
    }

    /// Node with one of the scripts, in the folder of the packages.
    #[must_use]
    pub fn command(&self, script: &str) -> Command {
        let mut command = Command::new("node");
        command
            .arg(self.scripts.join(script))
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }
}
