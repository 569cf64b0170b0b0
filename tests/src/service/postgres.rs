//! A PostgreSQL of the test's own, started as the host's tests start theirs.

use std::path::PathBuf;
use std::process::Stdio;

use crate::conformance::require_all;
use crate::fault::Fault;

#[path = "../../support/src/postgres/server.rs"]
mod server;

/// A running PostgreSQL that keeps what it acknowledged.
#[derive(Debug)]
pub struct Postgres {
    server: server::Server,
}

impl Postgres {
    /// Starts one, or says aloud that this machine has none.
    ///
    /// # Errors
    /// When it doesn't come up, or is missing and `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn start() -> Result<Option<Self>, Fault> {
        match server::Server::start().map_err(Fault::new)? {
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

    /// The files of its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.server.data()
    }

    /// Ends every process of it at once, as a power cut would.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<(), Fault> {
        self.server.kill().map_err(Fault::new)
    }

    /// Starts it again on the same data and port.
    ///
    /// # Errors
    /// When it doesn't come up.
    pub fn run(&mut self) -> Result<(), Fault> {
        self.server.run().map_err(Fault::new)
    }

    /// Everything in it as `pg_dump` writes it.
    ///
    /// # Errors
    /// When it can't be dumped.
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
