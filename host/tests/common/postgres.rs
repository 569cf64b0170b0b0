//! A PostgreSQL server of the tests' own: started in a temporary folder, stopped and removed with it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::thread::sleep;
use std::time::Duration;

/// A server. It refuses to run as root, and runs as `postgres` then.
pub struct Postgres {
    url: String,
    server: Option<Server>,
}

struct Server {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// A server with an empty database. `None`, said aloud, where PostgreSQL is not installed; a failure then under
    /// `TOKENLATCH_REQUIRE_ALL=1`. `TOKENLATCH_TEST_POSTGRES` may name a server that runs already; its databases are
    /// made and not removed.
    pub fn start() -> Option<Postgres> {
        if let Ok(url) = std::env::var("TOKENLATCH_TEST_POSTGRES") {
            return Some(Postgres { url, server: None });
        }
        let Some(bin) = binaries() else {
            assert!(
                std::env::var("TOKENLATCH_REQUIRE_ALL").as_deref() != Ok("1"),
                "PostgreSQL is missing"
            );
            static SAID: Once = Once::new();
            SAID.call_once(|| eprintln!("SKIPPED: PostgreSQL is missing"));
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let mut server = Server {
            bin,
            folder,
            port,
            child: None,
        };
        server.init();
        server.run();
        Some(Postgres {
            url: format!("postgres://tokenlatch@127.0.0.1:{port}/postgres"),
            server: Some(server),
        })
    }

    /// The address of its first database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes another database, and gives its address.
    pub async fn database(&self, name: &str) -> String {
        let pool = sqlx::PgPool::connect(&self.url).await.expect("the server answers");
        let name = format!("{name}_{:x}", fresh_number());
        let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(statement).execute(&pool).await.expect("a database is made");
        pool.close().await;
        let (start, end) = self.url.rsplit_once('/').expect("an address with a database");
        let options = end
            .split_once('?')
            .map(|(_, options)| format!("?{options}"))
            .unwrap_or_default();
        format!("{start}/{name}{options}")
    }

    /// Whether it can be killed: not one that was found running.
    pub fn is_ours(&self) -> bool {
        self.server.is_some()
    }

    /// Ends it at once, as a crash of the machine would.
    pub fn kill(&mut self) {
        self.server.as_mut().expect("a server of ours").kill();
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        self.server.as_mut().expect("a server of ours").run();
    }
}

impl Server {
    fn init(&self) {
        if is_root() {
            let owned = Command::new("chown")
                .arg("postgres:")
                .arg(self.folder.path())
                .status()
                .expect("chown runs");
            assert!(owned.success(), "the folder is given to postgres");
        }
        let output = self
            .command("initdb")
            .arg("-D")
            .arg(self.data())
            .args(["-U", "tokenlatch", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .output()
            .expect("initdb runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&mut self) {
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", self.folder.path().display()),
            "max_connections=200".to_owned(),
        ];
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string());
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        // After a crash the old process's shared memory may need a moment to go.
        for _ in 0..50 {
            let mut child = command.spawn().expect("postgres starts");
            for _ in 0..200 {
                if child.try_wait().expect("its state").is_some() {
                    break;
                }
                if self.answers() {
                    self.child = Some(child);
                    return;
                }
                sleep(Duration::from_millis(50));
            }
            let _ = child.kill();
            let _ = child.wait();
            sleep(Duration::from_millis(100));
        }
        panic!("PostgreSQL does not start");
    }

    /// Whether it takes connections, which is later than listening.
    fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && self
                .command("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-U", "tokenlatch", "-d", "postgres", "-p"])
                .arg(self.port.to_string())
                .status()
                .is_ok_and(|status| status.success())
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The file that the server keeps names its first process, which setpriv has become.
            child.kill().expect("it is killed");
            child.wait().expect("it ends");
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of PostgreSQL, as a user that it accepts.
    fn command(&self, name: &str) -> Command {
        let program = self.bin.join(name);
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
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// The newest version that is installed.
fn binaries() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin).or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| Path::new(folder).join("initdb").exists())
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A number that no other database of the tests has.
fn fresh_number() -> u128 {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time after 1970");
    (since.as_micros() << 8) | u128::from(count & 0xff)
}
