//! A PostgreSQL server for the tests, and databases on it.

pub mod server;

use std::sync::Once;

use server::Server;

use crate::ports::free_address;

/// A server.
pub struct Postgres {
    url: String,
    server: Option<Server>,
}

impl Postgres {
    /// Starts a server with an empty database. If PostgreSQL is not installed, it returns `None` and reports a skip, which is a
    /// failure with `TOKENLATCH_REQUIRE_ALL=1`. `TOKENLATCH_TEST_POSTGRES` may name a running server. Databases on that one are
    /// created and not removed.
    pub fn start() -> Option<Postgres> {
        if let Ok(url) = std::env::var("TOKENLATCH_TEST_POSTGRES") {
            return Some(Postgres { url, server: None });
        }
        let Some(server) = Server::start().expect("PostgreSQL starts") else {
            assert!(
                std::env::var("TOKENLATCH_REQUIRE_ALL").as_deref() != Ok("1"),
                "PostgreSQL is missing"
            );
            static SAID: Once = Once::new();
            SAID.call_once(|| eprintln!("SKIPPED: PostgreSQL is missing"));
            return None;
        };
        Some(Postgres {
            url: server.url(),
            server: Some(server),
        })
    }

    /// The address of its first database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Creates another database, and returns its address.
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

    /// Writes a file into its data folder that the server may read.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
        let data = self.server.as_ref().expect("a server of ours").data();
        let owner = std::fs::metadata(&data).expect("its data");
        let path = data.join(name);
        std::fs::write(&path, bytes).expect("the file is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is made private");
        chown(&path, Some(owner.uid()), Some(owner.gid())).expect("it is given to the server");
    }

    /// Whether the tests started the server, so that it may be killed.
    pub fn is_ours(&self) -> bool {
        self.server.is_some()
    }

    /// Kills it at once, as a crash of the machine would.
    pub fn kill(&mut self) {
        self.ours().kill().expect("it is killed");
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        self.ours().run().expect("it starts again");
    }

    /// Saves a database to a file with `pg_dump`, in the format of `pg_restore`.
    pub fn dump(&self, address: &str, file: &str) {
        self.program("pg_dump", &["--format=custom", "--file", file, address]);
    }

    /// Restores a saved database with `pg_restore`, in place of the current content.
    pub fn put_back(&self, address: &str, file: &str) {
        self.program("pg_restore", &["--clean", "--if-exists", "--dbname", address, file]);
    }

    /// Starts PgBouncer in front of the server, in transaction mode and with more settings. `None` if it is not installed. If it
    /// ends, for example because another program has taken its port, another port is tried.
    pub fn pooler(&self, settings: &str) -> Option<Pooler> {
        let program = std::path::Path::new("/usr/sbin/pgbouncer");
        if !program.is_file() {
            assert!(
                std::env::var("TOKENLATCH_REQUIRE_ALL").as_deref() != Ok("1"),
                "PgBouncer is missing"
            );
            eprintln!("SKIPPED: PgBouncer is missing");
            return None;
        }
        for _ in 0..5 {
            if let Some(pooler) = self.try_pooler(program, settings) {
                return Some(pooler);
            }
        }
        panic!("PgBouncer doesn't start");
    }

    /// Starts PgBouncer on a port that is free now. `None` if it ended.
    fn try_pooler(&self, program: &std::path::Path, settings: &str) -> Option<Pooler> {
        let server = self.server.as_ref().expect("a server of ours");
        let (_, port) = self.url.rsplit_once(':').expect("an address with a port");
        let (port, _) = port.split_once('/').expect("an address with a database");
        let own = free_address().expect("a free port").port();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={port} user=tokenlatch\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {own}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n{settings}\n"
        );
        std::fs::write(&file, text).expect("its settings are written");
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("its folder can be read");
        let log = folder.path().join("pgbouncer.log");
        let said = std::fs::File::create(&log).expect("its log is made");
        let child = server
            .program(program)
            .arg(&file)
            .stderr(said)
            .spawn()
            .expect("it starts");
        let mut pooler = Pooler {
            url: self.url.replace(&format!(":{port}/"), &format!(":{own}/")),
            child,
            _folder: folder,
        };
        let begun = std::time::Instant::now();
        // Another program may answer at the port, so PgBouncer's own log line is checked.
        let listens = format!("listening on 127.0.0.1:{own}");
        while pooler.child.try_wait().expect("its state").is_none() {
            if std::fs::read_to_string(&log).expect("its log").contains(&listens) {
                return Some(pooler);
            }
            assert!(begun.elapsed().as_secs() < 20, "it takes no connections");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        None
    }

    /// Runs a program of PostgreSQL in the server's folder, and waits for its end.
    fn program(&self, name: &str, arguments: &[&str]) {
        let server = self.server.as_ref().expect("a server of ours");
        let status = server.command(name).args(arguments).status().expect("it runs");
        assert!(status.success(), "{name} {arguments:?}");
    }

    fn ours(&mut self) -> &mut Server {
        self.server.as_mut().expect("a server of ours")
    }
}

/// A running PgBouncer. It is stopped on drop.
pub struct Pooler {
    pub url: String,
    child: std::process::Child,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // The process may already have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A number that no other test database has.
fn fresh_number() -> u128 {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time after 1970");
    (since.as_micros() << 8) | u128::from(count & 0xff)
}
