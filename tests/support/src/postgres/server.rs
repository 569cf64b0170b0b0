//! A PostgreSQL server in a temporary folder, on a free loopback port. The host's tests use it as a module of this crate, the
//! tests of several programs include it by its path.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::ports::free_address;

/// Time limit until it accepts connections, also after a crash.
const START: Duration = Duration::from_secs(60);

/// A server that is stopped and removed on drop. Its writes are durable: `fsync` is on.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts a server with an empty database. `None` if PostgreSQL is not installed.
    pub fn start() -> Result<Option<Self>, String> {
        let Some(programs) = folder_of_programs() else {
            return Ok(None);
        };
        let mut server = Server {
            programs,
            folder: tempfile::tempdir().map_err(during("a temporary folder"))?,
            port: free_address().map_err(during("a free port"))?.port(),
            child: None,
        };
        server.make()?;
        server.run()?;
        Ok(Some(server))
    }

    /// The address of its first database.
    pub fn url(&self) -> String {
        format!("postgres://tokenlatch@127.0.0.1:{}/postgres", self.port)
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Kills it at once, as a crash of the machine would.
    pub fn kill(&mut self) -> Result<(), String> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        // `setpriv` was replaced by the server's first process. The server's children end after it.
        child.kill().map_err(during("killing postgres"))?;
        child.wait().map(drop).map_err(during("waiting for postgres"))
    }

    /// Starts it again with the same data and port.
    pub fn run(&mut self) -> Result<(), String> {
        let log = self.folder.path().join("postgres.log");
        // After a crash, the old processes' shared memory may take a moment to go.
        let begun = Instant::now();
        while begun.elapsed() < START {
            let file = File::create(&log).map_err(during("its log"))?;
            let mut child = self
                .command("postgres")
                .arg("-D")
                .arg(self.data())
                .args(["-p", &self.port.to_string()])
                .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"])
                .args([
                    "-c",
                    &format!("unix_socket_directories={}", self.folder.path().display()),
                ])
                .stderr(file)
                .spawn()
                .map_err(during("postgres"))?;
            while begun.elapsed() < START && child.try_wait().map_err(during("postgres"))?.is_none() {
                if self.answers() {
                    self.child = Some(child);
                    return Ok(());
                }
                sleep(Duration::from_millis(50));
            }
            // The process may already have ended.
            let _ = child.kill();
            let _ = child.wait();
            sleep(Duration::from_millis(100));
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        Err(format!("PostgreSQL doesn't start: {said}"))
    }

    /// A program of PostgreSQL.
    pub fn command(&self, name: &str) -> Command {
        self.program(&self.programs.join(name))
    }

    /// Any program, in the server's folder. The server refuses to run as root. Under root the program therefore runs as
    /// `postgres`, in the same process.
    pub fn program(&self, program: &std::path::Path) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid", "postgres", "--regid", "postgres", "--init-groups", "--"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn make(&self) -> Result<(), String> {
        if is_root() {
            let owned = Command::new("chown").arg("postgres:").arg(self.folder.path()).status();
            if !owned.map_err(during("chown"))?.success() {
                return Err("the folder can't be given to postgres".to_owned());
            }
        }
        let output = self
            .command("initdb")
            .arg("-D")
            .arg(self.data())
            .args([
                "-U",
                "tokenlatch",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ])
            .stderr(Stdio::piped())
            .output()
            .map_err(during("initdb"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Whether it accepts connections, which comes later than listening.
    fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && self
                .command("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-U", "tokenlatch", "-d", "postgres", "-p"])
                .arg(self.port.to_string())
                .status()
                .is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may already have ended.
        let _ = self.kill();
    }
}

fn during<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Debian's newest version, or the one on the path.
fn folder_of_programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_it = |folder: &PathBuf| folder.join("initdb").is_file();
    let newest_first = versions.into_iter().rev().map(|(_, folder)| folder);
    newest_first.chain(std::env::split_paths(&path)).find(has_it)
}
