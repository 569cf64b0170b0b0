//! A remote server that is called over HTTP with a token: its address, and a client that sends the token nowhere else.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::Uri;
use tokio_rustls::rustls::crypto::ring;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::typestate::AgentScope;

/// Why a remote server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteServerError {
    /// The URL is invalid.
    #[error("the server's URL cannot be used: {0}")]
    Url(&'static str),
    /// The CA file is unusable.
    #[error("the certificates in `{path}` cannot be used: {reason}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
}

/// A server's address: scheme, host and port. Plain HTTP is allowed for loopback hosts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteServer {
    base: String,
    plain: bool,
}

impl RemoteServer {
    /// Parses a URL of scheme, host and port.
    ///
    /// # Errors
    /// [`RemoteServerError::Url`].
    pub fn parse(url: &str) -> Result<RemoteServer, RemoteServerError> {
        let wrong = RemoteServerError::Url;
        let uri: Uri = url
            .parse()
            .map_err(|_| wrong("it isn't one; write it such as https://host:2083"))?;
        let authority = uri.authority().ok_or(wrong("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong(
                "it contains a user; the token comes from the environment or a file",
            ));
        }
        if !uri.path().trim_end_matches('/').is_empty() || uri.query().is_some() {
            return Err(wrong("it has a path; give the scheme, the host and the port only"));
        }
        let (scheme, plain) = match uri.scheme_str() {
            Some("https") => ("https", false),
            Some("http") if is_loopback(authority.host()) => ("http", true),
            Some("http") => return Err(wrong("tokens need TLS; use `https`")),
            _ => return Err(wrong("it is neither `https` nor `http`")),
        };
        Ok(RemoteServer {
            base: format!("{scheme}://{authority}"),
            plain,
        })
    }

    /// The URL of a path, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The base configuration of an HTTP client for this server. It follows no redirects, so the token is never sent elsewhere.
    /// `certificates` is a PEM file of the CAs trusted for the server, instead of the public ones. The caller sets the timeouts.
    ///
    /// # Errors
    /// [`RemoteServerError::Certificates`].
    pub fn agent(&self, certificates: Option<&Path>) -> Result<ConfigBuilder<AgentScope>, RemoteServerError> {
        let mut tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
        if let Some(path) = certificates {
            tls = tls.root_certs(roots(path)?);
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .https_only(!self.plain)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("tokenlatch/", env!("CARGO_PKG_VERSION")));
        // Plain HTTP must not leave this machine through a proxy.
        Ok(if self.plain { config.proxy(None) } else { config })
    }
}

/// Whether a URL's host is a loopback name or address.
fn is_loopback(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn roots(path: &Path) -> Result<RootCerts, RemoteServerError> {
    let wrong = |reason: String| RemoteServerError::Certificates {
        path: path.to_owned(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| wrong("it isn't PEM".to_owned()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong("there is none".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::{RemoteServer, is_loopback};

    #[test]
    fn token_requires_tls_except_on_loopback() {
        let url = |text| RemoteServer::parse(text).map(|server| server.url("/ready")).unwrap();
        assert_eq!(url("https://host.example:2083/"), "https://host.example:2083/ready");
        assert_eq!(url("http://127.0.0.1:2083"), "http://127.0.0.1:2083/ready");
        assert_eq!(url("http://[::1]:2083"), "http://[::1]:2083/ready");
        for spoilt in [
            "http://host.example",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://127.0.0.1@host.example",
            "https://alice:x@host.example",
            "https://host/path",
            "https://host?token=x",
            "ftp://localhost",
            "host",
            "",
            "/",
        ] {
            assert!(RemoteServer::parse(spoilt).is_err(), "{spoilt}");
        }
    }

    #[test]
    fn recognises_loopback_hosts() {
        for host in ["localhost", "LOCALHOST", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "10.0.0.1",
            "example",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
