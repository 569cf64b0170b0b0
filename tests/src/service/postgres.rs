//! A PostgreSQL server for one test, started as the host's tests start theirs.

use std::path::PathBuf;
use std::process::Stdio;

use tokenlatch_test_support::postgres::server::Server;

use crate::conformance::require_all;
use crate::fault::Fault;

/// A running PostgreSQL server with durable writes.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
}

impl Postgres {
    /// Starts a server, or reports a skip if PostgreSQL is missing.
    ///
    /// # Errors
    /// The server does not start; also a skip if `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn start() -> Result<Option<Self>, Fault> {
        match Server::start().map_err(Fault::new)? {
            Some(server) => Ok(Some(Postgres { server })),
            None if require_all() => Err(Fault::missing("PostgreSQL is missing")),
            None => {
                eprintln!("SKIPPED: PostgreSQL is missing");
                Ok(None)
            }
        }
    }

    /// Its address for `--database`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.server.data()
    }

    /// Kills all its processes at once, as a power cut would.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<(), Fault> {
        self.server.kill().map_err(Fault::new)
    }

    /// Starts it again with the same data and port.
    ///
    /// # Errors
    /// The server does not start.
    pub fn run(&mut self) -> Result<(), Fault> {
        self.server.run().map_err(Fault::new)
    }

    /// Its whole content, as written by `pg_dump`.
    ///
    /// # Errors
    /// The dump fails.
    pub fn dump(&self) -> Result<Vec<u8>, Fault> {
        let output = self
            .server
            .command("pg_dump")
            .args(["--dbname", &self.url()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .map_err(Fault::during("pg_dump"))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(Fault::new(String::from_utf8_lossy(&output.stderr))),
        }
    }
}
