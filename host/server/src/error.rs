//! Why a server cannot start or keep running.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokenlatch::Error;

/// Why a server cannot start or keep running. It contains no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The store, the module or the system failed.
    #[error(transparent)]
    Host(#[from] Error),
    /// The port is in use by another program.
    #[error("the port {} of {} is in use by another program", .0.port(), .0.ip())]
    PortInUse(SocketAddr),
    /// The system does not allow this program to use the port.
    #[error("permission denied to listen at {0}")]
    PortDenied(SocketAddr),
    /// The port cannot be used, or failed.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// The port's address.
        address: SocketAddr,
        /// The system's message.
        reason: String,
    },
    /// Plain HTTP was requested on an address that is not loopback.
    #[error("plain HTTP is allowed on loopback addresses only, and {0} is not one: tokens would be sent in clear text")]
    PlainNotLoopback(SocketAddr),
    /// A certificate is needed on an address that is not loopback.
    #[error("{0} is not a loopback address, so a certificate for the server's name is needed")]
    CertificateNeeded(SocketAddr),
    /// Snapshots are configured without a port to publish them on.
    #[error("snapshots need the administrator's port or `--snapshot-listen`")]
    SnapshotsWithoutPort,
    /// A listener for routes is configured without an upstream.
    #[error("a listener for routes needs an upstream to forward to")]
    GuardWithoutUpstream,
    /// The chosen credentials cannot be used.
    #[error("the credentials cannot be used: {0}")]
    Credentials(String),
    /// A path for CORS preflights cannot be used.
    #[error("the paths for CORS preflights cannot be used: {0}")]
    Preflight(String),
    /// A certificate or key cannot be used.
    #[error("`{path}` cannot be used: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The reason, without any of the file's content.
        reason: String,
    },
    /// The catalogue file cannot be used.
    #[error("the catalogue `{path}` cannot be used: {reason}")]
    Catalogue {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The upstream API cannot be used.
    #[error("the upstream cannot be used: {0}")]
    Upstream(String),
    /// The log filter is invalid.
    #[error("invalid log level: {0}")]
    LogLevel(String),
}

impl ServerError {
    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ServerError::Host(error) => error.code(),
            ServerError::PortInUse(_) => "port_in_use",
            ServerError::PortDenied(_) => "port_denied",
            ServerError::Listen { .. } => "listen_failed",
            ServerError::PlainNotLoopback(_) => "plain_not_loopback",
            ServerError::CertificateNeeded(_) => "certificate_needed",
            ServerError::SnapshotsWithoutPort => "snapshots_without_port",
            ServerError::GuardWithoutUpstream => "guard_without_upstream",
            ServerError::Credentials(_) => "credentials_invalid",
            ServerError::Preflight(_) => "preflight_invalid",
            ServerError::Certificate { .. } => "certificate_invalid",
            ServerError::Catalogue { .. } => "catalogue_file_invalid",
            ServerError::Upstream(_) => "upstream_invalid",
            ServerError::LogLevel(_) => "log_level_invalid",
        }
    }

    /// Whether the configuration is wrong, rather than something failed.
    #[must_use]
    pub fn is_misuse(&self) -> bool {
        matches!(
            self,
            ServerError::PlainNotLoopback(_)
                | ServerError::CertificateNeeded(_)
                | ServerError::SnapshotsWithoutPort
                | ServerError::GuardWithoutUpstream
                | ServerError::Credentials(_)
                | ServerError::Preflight(_)
                | ServerError::Upstream(_)
                | ServerError::LogLevel(_)
        )
    }

    /// A hint on what to do, if the message has none.
    #[must_use]
    pub fn next(&self) -> Option<&'static str> {
        Some(match self {
            ServerError::PortInUse(_) => {
                "`--listen 127.0.0.1:PORT` and `--admin-listen 127.0.0.1:PORT` select other ports; port 0 is any free one"
            }
            ServerError::PortDenied(_) => "choose a port from 1024 on, by `--listen` and `--admin-listen`",
            ServerError::PlainNotLoopback(_) => {
                "leave `--http` out and give `--tls-cert` and `--tls-key`, or listen on 127.0.0.1 behind a proxy"
            }
            ServerError::CertificateNeeded(_) => "give `--tls-cert FILE` and `--tls-key FILE`",
            ServerError::SnapshotsWithoutPort => {
                "give `--admin-listen` or `--snapshot-listen` an address, or leave `--snapshot-key` out"
            }
            ServerError::GuardWithoutUpstream => "give `--upstream URL`, or leave `--guard-listen` out",
            ServerError::LogLevel(_) => "give `info`, `debug`, or a list such as `warn,tokenlatch=debug`",
            _ => return None,
        })
    }
}
