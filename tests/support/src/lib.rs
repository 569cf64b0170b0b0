//! Shared by the integration tests: databases, servers in the test's process, the programs, and requests.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::new_without_default,
    reason = "this is part of tests: a failed step is a failed test"
)]

pub mod browser;
#[cfg(unix)]
pub mod database;
pub mod edges;
pub mod http;
pub mod ports;
#[cfg(unix)]
pub mod postgres;
pub mod served;
#[cfg(unix)]
pub mod serving;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock};

use tokenlatch::core::{Access, Authorization, Call, Caps, Features, Policy, Reason};
use tokenlatch::{CodeCache, Limits, Module, NewToken, Options, Service, SqliteStore};

/// A time within the module's range: 2027-01-15T08:00:00Z.
pub const NOW: i64 = 1_800_000_000;

/// The folder of the build, such as `target/debug`. Test programs are in its folder `deps`.
fn build_folder() -> PathBuf {
    let own = std::env::current_exe().expect("the test's program");
    own.parent()
        .and_then(Path::parent)
        .expect("the folder of the build")
        .to_owned()
}

/// One of the programs that the command line's crate builds.
pub fn program(name: &str) -> PathBuf {
    let path = build_folder().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{name} is missing: `cargo test --workspace` builds it, and so does `cargo build`"
    );
    path
}

/// A folder that the tests may write to.
pub fn scratch() -> PathBuf {
    build_folder().join("../tmp")
}

/// A shared cache of compiled code, so that not every test compiles the module itself.
fn cache_home() -> PathBuf {
    scratch().join("cache")
}

/// Options with the shared cache.
pub fn options() -> Options {
    Options::new().cache(CodeCache::Directory(cache_home().join("tokenlatch")))
}

/// The embedded module.
pub fn module() -> Module {
    static MODULE: LazyLock<Module> =
        LazyLock::new(|| Module::embedded_with(options()).expect("the embedded module loads"));
    MODULE.clone()
}

/// The embedded module with other limits.
pub fn module_with(limits: Limits) -> Module {
    Module::embedded_with(options().limits(limits)).expect("the embedded module loads")
}

/// A temporary folder with a database.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub database: String,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = folder.path().join("t.db").to_str().expect("UTF-8").to_owned();
        Place { folder, database }
    }

    pub async fn store(&self) -> Arc<SqliteStore> {
        Arc::new(SqliteStore::open(&self.database, true).await.expect("the store opens"))
    }

    /// A service with the accounts alice and bob.
    pub async fn service(&self) -> Service {
        let service = Service::new(module(), self.store().await);
        for user in ["alice", "bob"] {
            service
                .add_account(user, Features::All)
                .await
                .expect("the account is added");
        }
        service
    }

    /// The command line for this database.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("tokenlatch"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", cache_home())
            .env("TOKENLATCH_DATABASE", &self.database)
            .env("TOKENLATCH_TIME_ZONE", "UTC")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command and waits for its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the command runs"))
    }

    /// Runs a command with input on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        use std::io::Write;
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let written = child.stdin.take().expect("standard input").write_all(input.as_bytes());
        if let Err(error) = written {
            // A command that fails early reads no input.
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{error}");
        }
        Ran::of(child.wait_with_output().expect("the command ends"))
    }

    /// Whether the database or its companion files contain the bytes.
    pub fn holds_in_database(&self, bytes: &[u8]) -> bool {
        ["", "-wal", "-shm"].iter().any(|end| {
            let content = std::fs::read(format!("{}{end}", self.database)).unwrap_or_default();
            content.windows(bytes.len()).any(|window| window == bytes)
        })
    }

    /// Whether any file of the folder contains the bytes.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        std::fs::read_dir(self.folder.path())
            .expect("the folder is read")
            .map(|entry| std::fs::read(entry.expect("an entry").path()).unwrap_or_default())
            .any(|content| content.windows(bytes.len()).any(|window| window == bytes))
    }
}

/// The result of a command.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// The JSON document that `--json` prints.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// A plain token of alice.
pub fn plain(name: &str) -> NewToken {
    NewToken::new("alice", name, Access::Full)
}

/// A database with the account alice, and a token of hers.
pub fn with_token(arguments: &[&str]) -> (Place, String) {
    let place = Place::new();
    assert_eq!(place.run(&["account", "add", "alice", "--all-features"]).code, Some(0));
    let token = create(&place, arguments);
    (place, token)
}

/// Creates alice's token `deploy`, and returns its text.
pub fn create(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(&[&["token", "create", "--user", "alice", "--name", "deploy"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout.trim_end().to_owned()
}

/// Verifies one header, and returns the exit code and the reason.
pub fn verify(place: &Place, header: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let ran = place.run_with(&[&["token", "verify"], arguments].concat(), &format!("{header}\n"));
    let verdict: serde_json::Value =
        serde_json::from_str(ran.stdout.lines().next().unwrap_or_default()).unwrap_or_default();
    (ran.code, verdict["reason"].as_str().unwrap_or_default().to_owned())
}

/// The reason of the verdict on a token of alice.
pub async fn reason(service: &Service, token: &str) -> Reason {
    let header = format!("cpanel alice:{token}");
    service
        .verify(&Authorization::from(header.as_str()), &Call::default())
        .await
        .unwrap()
        .reason
}

/// Sets the caps of an account. The rest of its policy is the default.
pub async fn set_caps(service: &Service, user: &str, caps: Caps) {
    let policy = Policy {
        caps,
        ..Policy::default()
    };
    service.set_policy(user, policy).await.expect("a policy");
}

/// Runs a test's future.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
