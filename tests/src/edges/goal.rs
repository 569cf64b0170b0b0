//! Somewhere that tokens are presented.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::service::Client;

/// After this time without a request a connection isn't used any more: servers close such.
const IDLE: Duration = Duration::from_secs(2);

/// Where tokens are presented.
#[derive(Clone, Debug)]
pub struct Goal {
    /// What it is called.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    path: &'static str,
}

/// A client of it.
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

    /// A client of it.
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
    /// The status of one answer.
    ///
    /// # Errors
    /// When none came.
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

    /// Asks, and insists on a status.
    ///
    /// # Errors
    /// When there was another, or none.
    pub fn expect(&mut self, authorization: &str, wanted: u16) -> Result<(), Fault> {
        match self.ask(authorization)? {
            status if status == wanted => Ok(()),
            status => Err(self.wrong(&format!("answers {status} instead of {wanted}"))),
        }
    }

    /// A fault about its last answer.
    pub(super) fn wrong(&self, what: &str) -> Fault {
        Fault::new(format!("{} {what}: {}", self.goal.name, self.said))
    }
}
