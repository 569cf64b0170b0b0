//! Configuration of a server: addresses, TLS, limits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use ipnet::IpNet;

use tokenlatch_core::{Preflights, SigningKey};

use crate::auth::credential_fields::CredentialFields;
use crate::error::ServerError;
pub use crate::http1::limits::HttpLimits;
use tokenlatch::KEPT_REVOKED_DAYS;
use tokenlatch::PublisherOptions;

/// The default interval at which token uses are written to the store.
pub const USAGE_INTERVAL: Duration = Duration::from_secs(30);

/// Configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address of the account port.
    pub listen: SocketAddr,
    /// Address of the administrator's port, if it has one.
    pub admin_listen: Option<SocketAddr>,
    /// Address of a listener for machines, with `/snapshot` and the paths that belong to it.
    pub snapshot_listen: Option<SocketAddr>,
    /// Address of a listener for `/metrics`. The administrator's port then does not serve them.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether `/metrics` needs a token with the right `metrics-read`.
    pub metrics_token: bool,
    /// Address of a listener on which every request is judged by the catalogue's routes and forwarded to the upstream.
    pub guard_listen: Option<SocketAddr>,
    /// Where a token may stand, as the module's operation `credentials` takes it; `None` for the usual credentials.
    pub credentials: Option<Vec<String>>,
    /// The form of refusals at the guard, `/auth` and the paths of forwarded functions.
    pub refusals: Refusals,
    /// Paths of the API on which CORS preflights pass without a token, on the listener for routes.
    pub preflight_paths: Vec<String>,
    /// URL of the API behind the guard, if requests are forwarded.
    pub upstream: Option<Uri>,
    /// PEM file of the CAs trusted for the upstream, instead of the public ones.
    pub upstream_ca: Option<PathBuf>,
    /// File with additional functions for the catalogue.
    pub catalogue: Option<PathBuf>,
    /// TLS of the ports.
    pub tls: Tls,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Sizes, counts and time limits.
    pub limits: HttpLimits,
    /// Limits on failed attempts.
    pub failures: FailureLimits,
    /// Limits on failed logins at the web interface.
    pub logins: FailureLimits,
    /// How long a login at the web interface lasts.
    pub sessions: SessionLimits,
    /// Additional host names at which browsers may reach the web interface.
    pub hosts: Vec<String>,
    /// Interval at which token uses are written to the store. Zero means never.
    pub usage_interval: Duration,
    /// Days for which a revoked token is kept.
    pub keep_revoked: u32,
    /// How signed snapshots are published, if they are.
    pub snapshots: Option<SnapshotConfig>,
}

/// How signed snapshots are published.
#[derive(Clone, Debug)]
pub struct SnapshotConfig {
    /// The signing key.
    pub key: Arc<SigningKey>,
    /// Options of the publisher.
    pub options: PublisherOptions,
}

/// The form of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusals {
    /// The replies of cPanel's API.
    Cpanel,
    /// RFC 9457 problem details.
    Problem,
}

impl FromStr for Refusals {
    type Err = String;

    fn from_str(text: &str) -> Result<Refusals, String> {
        match text {
            "cpanel" => Ok(Refusals::Cpanel),
            "problem" => Ok(Refusals::Problem),
            _ => Err("give `cpanel` or `problem`".to_owned()),
        }
    }
}

/// TLS of the ports.
#[derive(Clone, Debug)]
pub enum Tls {
    /// Plain HTTP, on loopback addresses only.
    Plain,
    /// A self-signed certificate for loopback names, kept in this folder. On loopback addresses only.
    SelfSigned {
        /// Folder of the certificate and key files.
        folder: PathBuf,
    },
    /// A certificate from files.
    Files {
        /// PEM file of the certificate chain.
        certificate: PathBuf,
        /// PEM file of the private key.
        key: PathBuf,
    },
}

/// Limits on failed attempts per minute.
#[derive(Clone, Copy, Debug)]
pub struct FailureLimits {
    /// From one address. 0 means no limit.
    pub per_address: u32,
    /// For one presented user name. 0 means no limit.
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
    /// The default for logins. It is lower, since a password can be guessed, unlike a token.
    pub const LOGINS: FailureLimits = FailureLimits {
        per_address: 10,
        per_user: 10,
    };
}

/// How long a login at the web interface lasts.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Maximum time without a request.
    pub idle: Duration,
    /// Maximum time since the login.
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
    /// The default ports on loopback, with a certificate in this folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Config {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Config {
            listen: loopback(2083),
            admin_listen: Some(loopback(2087)),
            snapshot_listen: None,
            metrics_listen: None,
            metrics_token: false,
            guard_listen: None,
            credentials: None,
            refusals: Refusals::Cpanel,
            preflight_paths: Vec::new(),
            upstream: None,
            upstream_ca: None,
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

    /// Plain HTTP on free loopback ports, for tests.
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

    /// Checks the configuration for combinations that must not be served.
    ///
    /// # Errors
    /// [`ServerError::PlainNotLoopback`], [`ServerError::CertificateNeeded`], [`ServerError::SnapshotsWithoutPort`],
    /// [`ServerError::GuardWithoutUpstream`], [`ServerError::Preflight`], [`ServerError::Credentials`].
    pub fn check(&self) -> Result<(), ServerError> {
        self.preflights()?;
        self.credential_fields()?;
        if self.guard_listen.is_some() && self.upstream.is_none() {
            return Err(ServerError::GuardWithoutUpstream);
        }
        if self.snapshots.is_some() && self.admin_listen.or(self.snapshot_listen).is_none() {
            return Err(ServerError::SnapshotsWithoutPort);
        }
        let addresses = [
            Some(self.listen),
            self.admin_listen,
            self.snapshot_listen,
            self.metrics_listen,
            self.guard_listen,
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

    /// The paths on which CORS preflights pass without a token.
    pub(crate) fn preflights(&self) -> Result<Preflights, ServerError> {
        Preflights::new(self.preflight_paths.clone()).map_err(|error| ServerError::Preflight(error.to_string()))
    }

    /// The fields in which a token may stand.
    pub(crate) fn credential_fields(&self) -> Result<CredentialFields, ServerError> {
        CredentialFields::of(self.credentials.as_ref())
    }

    /// The configuration of the listener for routes.
    pub(crate) fn of_guard(&self) -> Config {
        let mut config = self.clone();
        config.limits.head_bytes = self.limits.guard_head_bytes;
        config
    }

    /// Normalises a host name or address for [`Config::hosts`]: lower case, without a port or trailing dot.
    #[must_use]
    pub fn host(text: &str) -> Option<String> {
        crate::host_name::host_name(text)
    }

    /// Whether the address is a trusted proxy's.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}
