//! What a server is told: addresses, TLS, limits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use ipnet::IpNet;

use tokenlatch_core::SigningKey;

use crate::error::ServerError;
use tokenlatch::KEPT_REVOKED_DAYS;
use tokenlatch::PublisherOptions;

/// How often the store is told which tokens were used, if nothing else is wished.
pub const USAGE_INTERVAL: Duration = Duration::from_secs(30);

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The account port.
    pub listen: SocketAddr,
    /// The administrator's port, if there is one.
    pub admin_listen: Option<SocketAddr>,
    /// A listener for machines alone, with `/snapshot` and what belongs to it.
    pub snapshot_listen: Option<SocketAddr>,
    /// A listener for `/metrics` alone, which the administrator's port then doesn't have.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether `/metrics` needs a token with the right `metrics-read`.
    pub metrics_token: bool,
    /// The API that is guarded, if requests are to be forwarded.
    pub upstream: Option<Uri>,
    /// A file with more functions for the catalogue.
    pub catalogue: Option<PathBuf>,
    /// How the ports are secured.
    pub tls: Tls,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Sizes, numbers and times.
    pub limits: HttpLimits,
    /// How many failed attempts are borne.
    pub failures: FailureLimits,
    /// How many failed logins at the page are borne.
    pub logins: FailureLimits,
    /// How long a person stays logged in at the page.
    pub sessions: SessionLimits,
    /// More names by which browsers may reach the page.
    pub hosts: Vec<String>,
    /// How often the store is told which tokens were used; zero is never.
    pub usage_interval: Duration,
    /// Days for which a revoked token is kept.
    pub keep_revoked: u32,
    /// How signed snapshots are published, if they are.
    pub snapshots: Option<SnapshotConfig>,
}

/// How signed snapshots are published.
#[derive(Clone, Debug)]
pub struct SnapshotConfig {
    /// The key that signs.
    pub key: Arc<SigningKey>,
    /// How messages are made.
    pub options: PublisherOptions,
}

/// How the ports are secured.
#[derive(Clone, Debug)]
pub enum Tls {
    /// Not at all: only on loopback addresses.
    Plain,
    /// By a certificate of our own, for loopback names, kept in this folder: only on loopback addresses.
    SelfSigned {
        /// The folder of the two files.
        folder: PathBuf,
    },
    /// By a certificate from files.
    Files {
        /// The chain of certificates, PEM.
        certificate: PathBuf,
        /// The private key, PEM.
        key: PathBuf,
    },
}

/// Sizes, numbers and times of the edge.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections at once, on each port.
    pub connections: usize,
    /// Connections at once from one address (an IPv6 network of 64 bits) that is no trusted proxy.
    pub connections_per_address: usize,
    /// For the TLS handshake.
    pub handshake_time: Duration,
    /// From the first byte of a request's head to its last.
    pub head_time: Duration,
    /// Between two requests of a connection.
    pub idle_time: Duration,
    /// For a client to go on with a body that it is sending.
    pub body_stall: Duration,
    /// For the whole body of a request to our own functions.
    pub body_time: Duration,
    /// For a handler of our own to give its answer.
    pub handler_time: Duration,
    /// For the API behind the service to take more of a request, and to begin its answer once it has all.
    pub upstream_time: Duration,
    /// For that API to go on with an answer that it has begun; zero is any time.
    pub upstream_stall: Duration,
    /// For the client to take another piece of a reply.
    pub write_time: Duration,
    /// For requests under way when the server stops.
    pub stop_time: Duration,
    /// The request line and header fields, in bytes.
    pub head_bytes: usize,
    /// The request target, in bytes.
    pub target_bytes: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// The body of a request to our own functions, in bytes.
    pub body_bytes: usize,
    /// The body of a request that is forwarded, in bytes.
    pub upstream_body_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> HttpLimits {
        HttpLimits {
            connections: 4096,
            connections_per_address: 512,
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            body_stall: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            handler_time: Duration::from_secs(120),
            upstream_time: Duration::from_secs(60),
            upstream_stall: Duration::from_secs(3600),
            write_time: Duration::from_secs(120),
            stop_time: Duration::from_secs(10),
            head_bytes: 24 << 10,
            target_bytes: 16 << 10,
            fields: 100,
            body_bytes: 1 << 20,
            upstream_body_bytes: 64 << 20,
        }
    }
}

/// How many failed attempts are borne each minute.
#[derive(Clone, Copy, Debug)]
pub struct FailureLimits {
    /// From one address; 0 is any number.
    pub per_address: u32,
    /// For one presented user; 0 is any number.
    pub per_user: u32,
}

impl Default for FailureLimits {
    fn default() -> FailureLimits {
        FailureLimits {
            per_address: 120,
            per_user: 120,
        }
    }
}

impl FailureLimits {
    /// For logins: a password can be guessed, unlike a token.
    pub const LOGINS: FailureLimits = FailureLimits {
        per_address: 10,
        per_user: 10,
    };
}

/// How long a person stays logged in at the page.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// In any case.
    pub lifetime: Duration,
}

impl Default for SessionLimits {
    fn default() -> SessionLimits {
        SessionLimits {
            idle: Duration::from_secs(30 * 60),
            lifetime: Duration::from_secs(12 * 3600),
        }
    }
}

impl Config {
    /// The default ports on loopback, secured by a certificate in this folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Config {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Config {
            listen: loopback(2083),
            admin_listen: Some(loopback(2087)),
            snapshot_listen: None,
            metrics_listen: None,
            metrics_token: false,
            upstream: None,
            catalogue: None,
            tls: Tls::SelfSigned { folder },
            trusted_proxies: Vec::new(),
            limits: HttpLimits::default(),
            failures: FailureLimits::default(),
            logins: FailureLimits::LOGINS,
            sessions: SessionLimits::default(),
            hosts: Vec::new(),
            usage_interval: USAGE_INTERVAL,
            keep_revoked: KEPT_REVOKED_DAYS,
            snapshots: None,
        }
    }

    /// Plain HTTP on free ports of loopback: for tests.
    #[must_use]
    pub fn plain() -> Config {
        let free = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Config {
            listen: free,
            admin_listen: Some(free),
            tls: Tls::Plain,
            ..Config::new(PathBuf::new())
        }
    }

    /// Refuses what must not be served.
    ///
    /// # Errors
    /// [`ServerError::PlainNotLoopback`], [`ServerError::CertificateNeeded`], [`ServerError::SnapshotsWithoutPort`].
    pub fn check(&self) -> Result<(), ServerError> {
        if self.snapshots.is_some() && self.admin_listen.or(self.snapshot_listen).is_none() {
            return Err(ServerError::SnapshotsWithoutPort);
        }
        let addresses = [
            Some(self.listen),
            self.admin_listen,
            self.snapshot_listen,
            self.metrics_listen,
        ];
        let Some(open) = addresses
            .into_iter()
            .flatten()
            .find(|address| !address.ip().is_loopback())
        else {
            return Ok(());
        };
        match self.tls {
            Tls::Plain => Err(ServerError::PlainNotLoopback(open)),
            Tls::SelfSigned { .. } => Err(ServerError::CertificateNeeded(open)),
            Tls::Files { .. } => Ok(()),
        }
    }

    /// A name or an address as [`Config::hosts`] holds it: in small letters, without a port or a last dot.
    #[must_use]
    pub fn host(text: &str) -> Option<String> {
        crate::web::host_name(text)
    }

    /// Whether an address is that of a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}
