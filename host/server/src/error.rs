//! Why a server cannot start or go on.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokenlatch::Error;

/// Why a server cannot start or go on. No secret is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The store, the module or the system failed.
    #[error(transparent)]
    Host(#[from] Error),
    /// Another program has the port.
    #[error("the port {} of {} is in use by another program", .0.port(), .0.ip())]
    PortInUse(SocketAddr),
    /// The system does not let this program use the port.
    #[error("the system does not let this program listen at {0}")]
    PortDenied(SocketAddr),
    /// The port cannot be used, or failed.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// The port's address.
        address: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// Plain HTTP was asked for on an address that others can reach.
    #[error("plain HTTP is served on loopback addresses only, and {0} is none: a token would travel unprotected")]
    PlainNotLoopback(SocketAddr),
    /// An address that others can reach needs a certificate.
    #[error("{0} is no loopback address, so a certificate for the server's name is needed")]
    CertificateNeeded(SocketAddr),
    /// Snapshots are to be published, without the port on which they are.
    #[error("snapshots are published on the administrator's port or on a listener of their own, and there is neither")]
    SnapshotsWithoutPort,
    /// A certificate or key cannot be used.
    #[error("`{path}` cannot be used: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why, without any of its content.
        reason: String,
    },
    /// The file of functions cannot be used.
    #[error("the catalogue `{path}` cannot be used: {reason}")]
    Catalogue {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The API that is guarded cannot be used.
    #[error("the upstream cannot be used: {0}")]
    Upstream(String),
    /// The log's filter cannot be read.
    #[error("the log level cannot be read: {0}")]
    LogLevel(String),
}

impl ServerError {
    /// The stable code.
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
            ServerError::Certificate { .. } => "certificate_invalid",
            ServerError::Catalogue { .. } => "catalogue_file_invalid",
            ServerError::Upstream(_) => "upstream_invalid",
            ServerError::LogLevel(_) => "log_level_invalid",
        }
    }

    /// Whether what was asked for makes no sense, rather than that something failed.
    #[must_use]
    pub fn is_misuse(&self) -> bool {
        matches!(
            self,
            ServerError::PlainNotLoopback(_)
                | ServerError::CertificateNeeded(_)
                | ServerError::SnapshotsWithoutPort
                | ServerError::Upstream(_)
                | ServerError::LogLevel(_)
        )
    }

    /// What to do about it, where the message does not say so itself.
    #[must_use]
    pub fn next(&self) -> Option<&'static str> {
        Some(match self {
            ServerError::PortInUse(_) => {
                "`--listen 127.0.0.1:PORT` and `--admin-listen 127.0.0.1:PORT` choose others; port 0 is any free one"
            }
            ServerError::PortDenied(_) => "choose a port from 1024 on, by `--listen` and `--admin-listen`",
            ServerError::PlainNotLoopback(_) => {
                "leave `--http` out and give `--tls-cert` and `--tls-key`, or listen on 127.0.0.1 behind a proxy"
            }
            ServerError::CertificateNeeded(_) => "give `--tls-cert FILE` and `--tls-key FILE`",
            ServerError::SnapshotsWithoutPort => {
                "give `--admin-listen` or `--snapshot-listen` an address, or leave `--snapshot-key` out"
            }
            ServerError::LogLevel(_) => "give `info`, `debug`, or a list such as `warn,tokenlatch=debug`",
            _ => return None,
        })
    }
}
