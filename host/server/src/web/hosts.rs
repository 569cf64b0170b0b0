//! The host names at which a browser may reach the web interface. Others are refused: a page of another site could otherwise
//! reach this server by a name of its own (DNS rebinding).

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use rustls_pki_types::ServerName;

use crate::config::Config;
use crate::host_name::host_name;
use crate::net::tls::Certificates;

/// The host names at which browsers may reach the web interface.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    given: Vec<String>,
    listened: Vec<IpAddr>,
    certificates: Option<Certificates>,
}

impl Hosts {
    /// The names that follow from the configuration.
    pub(crate) fn new(config: &Config, certificates: Option<Certificates>) -> Hosts {
        let listened = [Some(config.listen), config.admin_listen].into_iter().flatten();
        Hosts {
            given: config.hosts.iter().filter_map(|name| host_name(name)).collect(),
            listened: listened
                .map(|address| address.ip().to_canonical())
                .filter(|address| !address.is_unspecified())
                .collect(),
            certificates,
        }
    }

    /// Whether a host, as returned by [`asked`], is allowed.
    pub(crate) fn allow(&self, host: &str) -> bool {
        if is_loopback(host) || self.given.iter().any(|given| given == host) {
            return true;
        }
        if let Ok(address) = host.parse::<IpAddr>()
            && self.listened.contains(&address.to_canonical())
        {
            return true;
        }
        let named =
            |certificates: &Certificates| ServerName::try_from(host).is_ok_and(|name| certificates.names(&name));
        self.certificates.as_ref().is_some_and(named)
    }
}

/// The host of a request, without its port. `None` if it cannot be parsed. There is exactly one `Host`, as was checked before.
pub(crate) fn asked(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(HOST)?.to_str().ok()?;
    let authority = text.parse::<Authority>().ok().filter(|_| !text.contains('@'))?;
    host_name(authority.host())
}

/// Whether a host, as returned by [`asked`], is a loopback name that browsers trust without TLS.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;
    use crate::config::Tls;

    fn read(host: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        asked(&headers)
    }

    #[test]
    fn normalises_host_names() {
        for (given, host) in [
            ("LocalHost:2083", "localhost"),
            ("tokens.example.com.", "tokens.example.com"),
            ("[::1]:2083", "::1"),
            ("127.0.0.1:80", "127.0.0.1"),
        ] {
            assert_eq!(read(given).as_deref(), Some(host), "{given}");
        }
        for wrong in [
            "",
            ":80",
            "a@localhost",
            "localhost/x",
            "a b",
            "a..b",
            "localhost:x:y",
            "[::1",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn allows_the_names_in_the_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["tokens.example", "*.wild.example", "192.0.2.9"].map(str::to_owned);
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let (certificate, private) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, own.pem()).unwrap();
        std::fs::write(&private, key.serialize_pem()).unwrap();
        let mut config = Config::plain();
        config.tls = Tls::Files {
            certificate,
            key: private,
        };
        let hosts = Hosts::new(&config, Certificates::open(&config).unwrap());
        for host in ["tokens.example", "a.wild.example", "192.0.2.9", "localhost"] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "a.tokens.example",
            "wild.example",
            "a.b.wild.example",
            "192.0.2.1",
            "example",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }

    #[test]
    fn allows_only_loopback_listen_and_configured_hosts() {
        let mut config = Config::plain();
        config.listen = "192.0.2.7:2083".parse().unwrap();
        config.hosts = vec!["Tokens.Example.com".to_owned(), "198.51.100.1".to_owned()];
        let hosts = Hosts::new(&config, None);
        for host in [
            "localhost",
            "127.0.0.1",
            "127.8.8.8",
            "::1",
            "192.0.2.7",
            "tokens.example.com",
            "198.51.100.1",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "example.com",
            "evil.example",
            "192.0.2.8",
            "localhost.evil.example",
            "0.0.0.0",
            "2130706433",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }
}
