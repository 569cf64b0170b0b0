//! A temporary folder, a database, and the command line for it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::program::{program, programs};
use crate::fault::Fault;

/// A temporary folder, and the address of a database.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    database: String,
}

/// The result of a command.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// The result of a finished process.
    #[must_use]
    pub fn of(output: &Output) -> Self {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn good(self, name: &str, arguments: &[&str]) -> Result<Ran, Fault> {
        match self.code {
            Some(0) => Ok(self),
            code => Err(Fault::new(format!(
                "{name} {arguments:?} ends with {code:?}: {}{}",
                self.stdout, self.stderr
            ))),
        }
    }

    /// Standard output as JSON; null if it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_default()
    }
}

impl Place {
    /// A folder with an SQLite database, which is not created yet.
    ///
    /// # Errors
    /// No temporary folder can be created.
    pub fn new() -> Result<Self, Fault> {
        let folder = tempfile::tempdir().map_err(Fault::during("a temporary folder"))?;
        let database = folder.path().join("tokenlatch.db").display().to_string();
        Ok(Place { folder, database })
    }

    /// A folder, and a database that is elsewhere.
    ///
    /// # Errors
    /// No temporary folder can be created.
    pub fn over(database: &str) -> Result<Self, Fault> {
        let mut place = Place::new()?;
        place.database = database.to_owned();
        Ok(place)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// A program in this folder, with an environment that has little more than `PATH`.
    ///
    /// # Errors
    /// The programs cannot be built.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<Command, Fault> {
        let programs = programs()?;
        let mut folders = vec![programs.clone()];
        folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
        let path = std::env::join_paths(folders).map_err(Fault::during("the search path"))?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder())
            // Tests share the cache of compiled code.
            .env("XDG_CACHE_HOME", programs.join("../tmp/cache"))
            .env("TOKENLATCH_DATABASE", &self.database)
            .env("TOKENLATCH_TIME_ZONE", "UTC")
            .current_dir(self.folder())
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs one of the project's programs and waits for its end.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Result<Ran, Fault> {
        let output = self
            .command(program(name)?)?
            .args(arguments)
            .output()
            .map_err(Fault::during(name))?;
        Ok(Ran::of(&output))
    }

    /// Runs one of the project's programs, which must succeed, with a secret line on its standard input.
    ///
    /// # Errors
    /// The program fails.
    pub fn must_with(&self, name: &str, arguments: &[&str], line: &str) -> Result<Ran, Fault> {
        let mut child = self
            .command(program(name)?)?
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Fault::during(name))?;
        // A program that does not read the line has failed, and reports why.
        if let Some(mut input) = child.stdin.take() {
            let _ = writeln!(input, "{line}");
        }
        let output = child.wait_with_output().map_err(Fault::during(name))?;
        Ran::of(&output).good(name, arguments)
    }

    /// Runs one of the project's programs, which must succeed.
    ///
    /// # Errors
    /// The program fails. The text contains its output, which must not be secret.
    pub fn must(&self, name: &str, arguments: &[&str]) -> Result<Ran, Fault> {
        self.run(name, arguments)?.good(name, arguments)
    }

    /// Runs shell commands.
    ///
    /// # Errors
    /// There is no shell.
    pub fn shell(&self, lines: &str) -> Result<Ran, Fault> {
        let output = self
            .command("sh")?
            .args(["-eu", "-c", lines])
            .output()
            .map_err(Fault::during("sh"))?;
        Ok(Ran::of(&output))
    }

    /// Adds accounts with all features.
    ///
    /// # Errors
    /// An account cannot be added.
    pub fn accounts(&self, users: &[&str]) -> Result<(), Fault> {
        users.iter().try_for_each(|user| {
            self.must("tokenlatch", &["account", "add", user, "--all-features"])
                .map(drop)
        })
    }

    /// Adds accounts with all features and this password.
    ///
    /// # Errors
    /// An account cannot be added.
    pub fn people(&self, users: &[&str], password: &str) -> Result<(), Fault> {
        let added = |user| ["account", "add", user, "--all-features", "--password-stdin"];
        users
            .iter()
            .try_for_each(|user| self.must_with("tokenlatch", &added(*user), password).map(drop))
    }

    /// Creates a token with `uapi`, and returns its text.
    ///
    /// # Errors
    /// The token is not created.
    pub fn token(&self, user: &str, name: &str, more: &[&str]) -> Result<String, Fault> {
        let limited = more.iter().any(|argument| argument.starts_with("features"));
        let function = if limited {
            "create_limited"
        } else {
            "create_full_access"
        };
        let (user, name) = (format!("--user={user}"), format!("name={name}"));
        let fixed = [user.as_str(), "--output=json", "Tokens", function, &name];
        let made = self.must("uapi", &[&fixed, more].concat())?.json();
        let token = made["result"]["data"]["token"].as_str();
        token
            .map(str::to_owned)
            .ok_or_else(|| Fault::new("the reply holds no token"))
    }
}
