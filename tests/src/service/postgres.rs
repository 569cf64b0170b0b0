//! A PostgreSQL of the test's own, from Debian's package: in a temporary folder, on a free port of loopback.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::free::free_address;
use super::server::Background;
use crate::conformance::require_all;
use crate::fault::Fault;

/// A running PostgreSQL that keeps what it acknowledged: `fsync` is on.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Background>,
    programs: PathBuf,
    folder: TempDir,
    address: SocketAddr,
}

impl Postgres {
    /// Starts one, or says aloud that this machine has none.
    ///
    /// # Errors
    /// When it doesn't come up, or is missing and `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn start() -> Result<Option<Self>, Fault> {
        let Some(programs) = folder_of_programs() else {
            if require_all() {
                return Err(Fault::missing("PostgreSQL is missing"));
            }
            eprintln!("SKIPPED: PostgreSQL is missing");
            return Ok(None);
        };
        let folder = tempfile::tempdir().map_err(Fault::during("a temporary folder"))?;
        let mut server = Postgres {
            process: None,
            programs,
            folder,
            address: free_address()?,
        };
        server.make()?;
        server.run()?;
        Ok(Some(server))
    }

    /// Its address for `--database`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://tokenlatch@{}/postgres", self.address)
    }

    /// Ends every process of it at once, as a power cut would.
    ///
    /// # Errors
    /// When it isn't running.
    pub fn kill(&mut self) -> Result<(), Fault> {
        let mut process = self
            .process
            .take()
            .ok_or_else(|| Fault::new("PostgreSQL isn't running"))?;
        // The server's own children end by themselves once it is gone, as after any crash.
        process.kill()
    }

    /// Starts it again on the same data and port.
    ///
    /// # Errors
    /// When it doesn't come up.
    pub fn run(&mut self) -> Result<(), Fault> {
        // One that was killed leaves this behind, and its children may still hold the shared memory for a moment.
        let mut last = Fault::new("not tried");
        for _ in 0..50 {
            let data = self.data();
            let mut command = self.command("postgres");
            command
                .args([
                    "-D",
                    &data.display().to_string(),
                    "-p",
                    &self.address.port().to_string(),
                ])
                .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"])
                .args([
                    "-c",
                    &format!("unix_socket_directories={}", self.folder.path().display()),
                ]);
            match Background::start(command, &self.folder.path().join("postgres.log"), self.address) {
                Ok(process) => {
                    self.process = Some(process);
                    return self.answers();
                }
                Err(fault) => last = fault,
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err(last)
    }

    /// The files of its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything in it as `pg_dump` writes it.
    ///
    /// # Errors
    /// When it can't be dumped.
    pub fn dump(&self) -> Result<Vec<u8>, Fault> {
        let mut command = self.command("pg_dump");
        let output = command
            .args(["--dbname", &self.url()])
            .output()
            .map_err(Fault::during("pg_dump"))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(Fault::new(String::from_utf8_lossy(&output.stderr))),
        }
    }

    fn make(&self) -> Result<(), Fault> {
        if is_root() {
            let owner = Command::new("chown").arg("postgres").arg(self.folder.path()).status();
            owner.map_err(Fault::during("chown"))?;
        }
        let data = self.data().display().to_string();
        let output = self
            .command("initdb")
            .args([
                "-D",
                &data,
                "-U",
                "tokenlatch",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
            ])
            .output()
            .map_err(Fault::during("initdb"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(Fault::new(String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// Waits until it takes connections.
    fn answers(&self) -> Result<(), Fault> {
        for _ in 0..300 {
            let mut asked = self.command("pg_isready");
            asked
                .args([
                    "--quiet",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    &self.address.port().to_string(),
                ])
                .stdin(Stdio::null());
            if asked.status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err(Fault::new("PostgreSQL doesn't take connections"))
    }

    /// A program of it. The server refuses to run as root, so it runs as `postgres` then, in the same process.
    fn command(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Debian's newest, or what is on the path.
fn folder_of_programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    let number = |path: &Path| -> u32 {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or_default()
    };
    versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .map(|version| version.join("bin"))
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file())
}
