//! Builds the targets with cargo-fuzz.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokenlatch_tests::Fault;

/// Our code has no `unsafe`, for which a sanitizer would be needed. Without one the pinned stable toolchain suffices.
pub const OPTIONS: [&str; 4] = ["--fuzz-dir", "tests/fuzz", "--sanitizer", "none"];

/// The built targets.
pub struct Targets {
    /// Their names, sorted.
    pub names: Vec<String>,
    programs: PathBuf,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

impl Targets {
    /// Builds the targets whose name contains `only`.
    ///
    /// # Errors
    /// Without cargo-fuzz, if the build fails, or if there is no such target.
    pub fn build(only: Option<&str>) -> Result<Targets, Fault> {
        let version = cargo().args(["fuzz", "--version"]).stderr(Stdio::null()).output();
        if !version.is_ok_and(|version| version.status.success()) {
            return Err(Fault::missing(
                "cargo-fuzz is missing; `cargo install --locked cargo-fuzz` installs it",
            ));
        }
        let mut names: Vec<String> = fs::read_dir(root().join("tests/fuzz/targets"))
            .map_err(Fault::during("reading tests/fuzz/targets"))?
            .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
            .filter(|name| only.is_none_or(|part| name.contains(part)))
            .collect();
        names.sort();
        if names.is_empty() {
            return Err(Fault::new(format!(
                "no target's name contains `{}`; tests/fuzz/targets has them all",
                only.unwrap_or_default()
            )));
        }
        let folder = root().join("tests/fuzz/target");
        let status = cargo()
            .args(["fuzz", "build"])
            .args(OPTIONS)
            .arg("--target-dir")
            .arg(&folder)
            .status()
            .map_err(Fault::during("cargo can't be started"))?;
        if !status.success() {
            return Err(Fault::new(
                "the targets can't be built; cargo's messages are above (a C++ compiler is needed too)",
            ));
        }
        Ok(Targets {
            names,
            programs: folder.join(host()?).join("release"),
        })
    }

    /// A target's program.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(root()).stdin(Stdio::null());
        command
    }

    /// The folder of a target's inputs in the tree.
    pub fn corpus(name: &str) -> PathBuf {
        root().join("tests/fuzz/corpus").join(name)
    }
}

/// `cargo` in the root, with the toolchain that the root names. Variables that cargo set for this program would be in the way.
fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root());
    for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        command.env_remove(name);
    }
    command
}

/// The triple of this machine, for which cargo-fuzz builds.
fn host() -> Result<String, Fault> {
    let told = Command::new("rustc")
        .arg("-vV")
        .current_dir(root())
        .output()
        .map_err(Fault::during("rustc can't be started"))?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Fault::new("`rustc -vV` doesn't name the host"))
}
