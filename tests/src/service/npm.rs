//! Packages from npm, installed into the target folder at the versions that are locked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::program::{programs, require, unless_missing};
use super::python::run;
use crate::fault::Fault;

/// A folder that has what a lock file lists, and the scripts that use it.
#[derive(Debug)]
pub struct Npm {
    folder: PathBuf,
    scripts: PathBuf,
}

impl Npm {
    /// Installs what `tools/NAME` locks, once for each state of the lock file; says aloud where this machine can't.
    ///
    /// # Errors
    /// When something but this machine is at fault, and where it is, when `TOKENLATCH_REQUIRE_ALL` is set.
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
        fs::create_dir_all(&folder).map_err(Fault::during(folder.display()))?;
        // Two tests may want it at once.
        let lock = fs::File::create(folder.with_extension("lock")).map_err(Fault::during("the lock file"))?;
        lock.lock().map_err(Fault::during("waiting for the lock file"))?;
        let locked = scripts.join("package-lock.json");
        let wanted = fs::read(&locked).map_err(Fault::during(locked.display()))?;
        let stamp = folder.join("node_modules/.installed");
        let npm = Npm {
            folder: folder.clone(),
            scripts: scripts.clone(),
        };
        if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(npm);
        }
        for file in [locked, scripts.join("package.json"), tools.join(".npmrc")] {
            let to = folder.join(file.file_name().unwrap_or_default());
            fs::copy(&file, to).map_err(Fault::during(file.display()))?;
        }
        run(Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder))?;
        fs::write(&stamp, wanted).map_err(Fault::during(stamp.display()))?;
        Ok(npm)
    }

    /// Node with one of the scripts, in the folder of what is installed.
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
