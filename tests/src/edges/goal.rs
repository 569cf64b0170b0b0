//! A server to which tokens are presented.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::service::Client;

/// A connection that was idle for longer is not reused, since servers close idle connections.
const IDLE: Duration = Duration::from_secs(2);

/// A server to which tokens are presented.
#[derive(Clone, Debug)]
pub struct Goal {
    /// Its name.
    pub name: &'static str,
    /// Its address.
    pub address: SocketAddr,
    path: &'static str,
}

/// A client of the server.
#[derive(Debug)]
pub struct Asker<'g> {
    goal: &'g Goal,
    client: Client,
    last: Instant,
    /// The body of the last answer.
    said: String,
}

impl Goal {
    pub(super) fn new(name: &'static str, address: SocketAddr, path: &'static str) -> Goal {
        Goal { name, address, path }
    }

    /// Creates a client.
    #[must_use]
    pub fn asker(&self) -> Asker<'_> {
        Asker {
            goal: self,
            client: Client::new(self.address),
            last: Instant::now(),
            said: String::new(),
        }
    }
}

impl Asker<'_> {
    /// Presents a token, and returns the status.
    ///
    /// # Errors
    /// No answer came.
    pub fn ask(&mut self, authorization: &str) -> Result<u16, Fault> {
        if self.last.elapsed() > IDLE {
            self.client = Client::new(self.goal.address);
        }
        let answer = self.client.get(self.goal.path, authorization);
        self.last = Instant::now();
        let answer = answer.map_err(Fault::during(self.goal.name))?;
        self.said = answer.body;
        Ok(answer.status)
    }

    /// Presents a token, and checks the status.
    ///
    /// # Errors
    /// The status differs, or no answer came.
    pub fn expect(&mut self, authorization: &str, wanted: u16) -> Result<(), Fault> {
        match self.ask(authorization)? {
            status if status == wanted => Ok(()),
            status => Err(self.wrong(&format!("answers {status} instead of {wanted}"))),
        }
    }

    /// A fault that quotes the last answer.
    pub(super) fn wrong(&self, what: &str) -> Fault {
        Fault::new(format!("{} {what}: {}", self.goal.name, self.said))
    }
}
