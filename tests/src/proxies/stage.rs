//! A service, a proxy and an API.

use crate::fault::Fault;
use crate::service::{Client, Echo, Place, Proxy, ProxyKind, Server};

/// A proxy between a client and an API, which asks a service.
#[derive(Debug)]
pub struct Stage {
    /// The folder and the database of the service, with the account alice.
    pub place: Place,
    /// The service.
    pub server: Server,
    /// The API.
    pub api: Echo,
    /// The proxy.
    pub proxy: Proxy,
    full: String,
    limited: String,
}

impl Stage {
    /// Starts all three, or reports a skip if the proxy is missing.
    ///
    /// # Errors
    /// One does not start; also a skip if `TOKENLATCH_REQUIRE_ALL` is set.
    pub fn new(kind: ProxyKind, options: &[&str]) -> Result<Option<Stage>, Fault> {
        if kind.find()?.is_none() {
            return Ok(None);
        }
        let place = Place::new()?;
        place.accounts(&["alice"])?;
        let header = |token| format!("cpanel alice:{token}");
        let full = header(place.token("alice", "full", &[])?);
        let limited = header(place.token("alice", "limited", &["features=popaccts", "readonly=1"])?);
        let server = Server::start(&place, &[&["--trusted-proxy", "127.0.0.1/32"], options].concat())?;
        let api = Echo::start()?;
        let proxy = Proxy::start(kind, &place, server.account, api.address())?;
        Ok(proxy.map(|proxy| Stage {
            place,
            server,
            api,
            proxy,
            full,
            limited,
        }))
    }

    /// The `Authorization` of a token that may do everything.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }

    /// The `Authorization` of a token for `Email::list_pops`, which may not write.
    #[must_use]
    pub fn limited(&self) -> &str {
        &self.limited
    }

    /// A client of the proxy.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.proxy.address)
    }
}
