//! The options of `tokenlatch serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use http::Uri;
use ipnet::IpNet;
use tokenlatch::KEPT_REVOKED_DAYS;
use tokenlatch_server::{
    Config, FailureLimits, HttpLimits, LogFormat, Refusals, SessionLimits, SnapshotConfig, Tls, USAGE_INTERVAL,
};

use crate::addresses::{address, network};
use crate::edge_options::Edges;

/// The options of `tokenlatch serve`.
#[derive(Args)]
#[command(after_help = "\
The first start creates the database, the account `admin`, its password and a token for each port, in files beside the \
database, and prints the page's URL and commands to try.

SIGHUP reloads the catalogue and the certificate. SIGTERM finishes the requests in progress; a second SIGTERM exits at once.

Examples:
  tokenlatch serve
  tokenlatch serve --http --listen 127.0.0.1:8080 --admin-listen none
  tokenlatch serve --listen 0.0.0.0:2083 --tls-cert cert.pem --tls-key key.pem \\
    --upstream http://127.0.0.1:3000
  tokenlatch serve --upstream http://127.0.0.1:3000 \\
    --guard-listen 127.0.0.1:8443 --catalogue routes.toml")]
pub struct Options {
    /// Address of the account port
    #[arg(long, value_name = "ADDR", env = "TOKENLATCH_LISTEN", hide_env_values = true)]
    #[arg(default_value = "127.0.0.1:2083", value_parser = address)]
    listen: SocketAddr,
    /// Address of the administrator's port, or `none`
    #[arg(long, value_name = "ADDR", env = "TOKENLATCH_ADMIN_LISTEN", hide_env_values = true)]
    #[arg(default_value = "127.0.0.1:2087")]
    admin_listen: AdminListen,
    /// Separate listener for `/metrics`, which the administrator's port then does not serve
    #[arg(long, value_name = "ADDR", env = "TOKENLATCH_METRICS_LISTEN", hide_env_values = true)]
    #[arg(value_parser = address)]
    metrics_listen: Option<SocketAddr>,
    /// Require a token with the right `metrics-read` for `/metrics`
    #[arg(long, env = "TOKENLATCH_METRICS_TOKEN", hide_env_values = true)]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    metrics_token: bool,
    /// API to protect; verified requests are forwarded to it, over TLS if the URL is `https://…`
    #[arg(long, value_name = "URL", env = "TOKENLATCH_UPSTREAM", hide_env_values = true)]
    upstream: Option<Uri>,
    /// PEM file of the CAs trusted for the `--upstream` API; the public web CAs by default
    #[arg(long, value_name = "FILE", env = "TOKENLATCH_UPSTREAM_CA", hide_env_values = true)]
    #[arg(requires = "upstream")]
    upstream_ca: Option<PathBuf>,
    /// Listener of which every path is the API's: each request is judged by the catalogue's routes and forwarded to
    /// `--upstream`, with any method, event streams and WebSockets. The other ports forward only calls of functions
    #[arg(long, value_name = "ADDR", env = "TOKENLATCH_GUARD_LISTEN", hide_env_values = true)]
    #[arg(value_parser = address, requires = "upstream")]
    guard_listen: Option<SocketAddr>,
    /// Where a token may stand: `bearer`, `cpanel`, `whm`, `basic` (the token as password), `x-api-key`, `header:NAME` (the whole
    /// field) or `scheme:NAME` (`Authorization: NAME TOKEN`), separated by commas; by default `bearer,cpanel,whm`. On every port; a
    /// request may have one only
    #[arg(
        long,
        value_name = "LIST",
        env = "TOKENLATCH_CREDENTIALS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    credentials: Option<Vec<String>>,
    /// Form of refusals at `--guard-listen`, `/auth` and forwarded functions: `cpanel`, or `problem` for problem details
    /// (RFC 9457)
    #[arg(long, value_name = "FORM", env = "TOKENLATCH_REFUSALS", hide_env_values = true)]
    #[arg(default_value = "cpanel")]
    refusals: Refusals,
    /// Path at `--guard-listen` on which a CORS preflight (`OPTIONS`) needs no token, such as `/orders/{id}`; may be repeated
    #[arg(
        long = "preflight-pass",
        value_name = "PATH",
        env = "TOKENLATCH_PREFLIGHT_PASS",
        hide_env_values = true
    )]
    #[arg(value_delimiter = ',', requires = "guard_listen")]
    preflight_paths: Vec<String>,
    /// Additional functions for the catalogue, TOML or JSON
    #[arg(long, value_name = "FILE", env = "TOKENLATCH_CATALOGUE", hide_env_values = true)]
    catalogue: Option<PathBuf>,
    /// Certificate chain, PEM; without it, a self-signed certificate is created for loopback addresses
    #[arg(
        long,
        value_name = "FILE",
        env = "TOKENLATCH_TLS_CERT",
        hide_env_values = true,
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "TOKENLATCH_TLS_KEY",
        hide_env_values = true,
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// Use plain HTTP, on loopback addresses only
    #[arg(long, env = "TOKENLATCH_HTTP", hide_env_values = true, conflicts_with_all = ["tls_cert", "tls_key"])]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    http: bool,
    /// Proxy whose `X-Forwarded-For` is trusted: an address or a network; may be repeated
    #[arg(
        long = "trusted-proxy",
        value_name = "CIDR",
        env = "TOKENLATCH_TRUSTED_PROXY",
        hide_env_values = true
    )]
    #[arg(value_delimiter = ',', value_parser = network)]
    trusted_proxies: Vec<IpNet>,
    /// Failed attempts per minute, for one address and for one user, before 429; 0 for no limit
    #[arg(
        long,
        value_name = "N",
        env = "TOKENLATCH_FAILURES_PER_MINUTE",
        hide_env_values = true
    )]
    #[arg(default_value_t = FailureLimits::default().per_address)]
    failures_per_minute: u32,
    /// Host name by which browsers may reach the page, in addition to those of the certificate; may be repeated
    #[arg(long = "host", value_name = "NAME", env = "TOKENLATCH_HOST", hide_env_values = true)]
    #[arg(value_delimiter = ',', value_parser = host)]
    hosts: Vec<String>,
    /// Minutes without a request after which a page session ends
    #[arg(long, value_name = "MIN", env = "TOKENLATCH_SESSION_IDLE", hide_env_values = true)]
    #[arg(default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=525_600))]
    session_idle: u32,
    /// Minutes after which a page session ends in any case
    #[arg(
        long,
        value_name = "MIN",
        env = "TOKENLATCH_SESSION_LIFETIME",
        hide_env_values = true
    )]
    #[arg(default_value_t = 720, value_parser = clap::value_parser!(u32).range(1..=525_600))]
    session_lifetime: u32,
    /// Maximum number of connections, per port
    #[arg(long, value_name = "N", env = "TOKENLATCH_MAX_CONNECTIONS", hide_env_values = true)]
    #[arg(default_value_t = HttpLimits::default().connections)]
    max_connections: usize,
    /// Maximum number of connections from one address (IPv6: one /64 network), except trusted proxies
    #[arg(
        long,
        value_name = "N",
        env = "TOKENLATCH_MAX_CONNECTIONS_PER_ADDRESS",
        hide_env_values = true
    )]
    #[arg(default_value_t = HttpLimits::default().connections_per_address)]
    max_connections_per_address: usize,
    /// Idle timeout in seconds while a client sends a request's body
    #[arg(
        long,
        value_name = "SECONDS",
        env = "TOKENLATCH_CLIENT_SEND_TIMEOUT",
        hide_env_values = true
    )]
    #[arg(default_value_t = HttpLimits::default().body_stall.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    client_send_timeout: u64,
    /// Idle timeout in seconds while a client reads a reply
    #[arg(
        long,
        value_name = "SECONDS",
        env = "TOKENLATCH_CLIENT_READ_TIMEOUT",
        hide_env_values = true
    )]
    #[arg(default_value_t = HttpLimits::default().write_time.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    client_read_timeout: u64,
    /// Timeout in seconds for the `--upstream` API to start its answer; the time in which the client is still sending does
    /// not count
    #[arg(
        long,
        value_name = "SECONDS",
        env = "TOKENLATCH_UPSTREAM_TIMEOUT",
        hide_env_values = true
    )]
    #[arg(default_value_t = HttpLimits::default().upstream_time.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    upstream_timeout: u64,
    /// Idle timeout in seconds for the `--upstream` API's answer, such as an event stream; 0 for no limit
    #[arg(
        long,
        value_name = "SECONDS",
        env = "TOKENLATCH_UPSTREAM_IDLE_TIMEOUT",
        hide_env_values = true
    )]
    #[arg(default_value_t = HttpLimits::default().upstream_stall.as_secs(), value_parser = clap::value_parser!(u64).range(..=604_800))]
    upstream_idle_timeout: u64,
    /// Interval in seconds at which token usage is written to the database; 0 for never
    #[arg(
        long,
        value_name = "SECONDS",
        env = "TOKENLATCH_USAGE_INTERVAL",
        hide_env_values = true
    )]
    #[arg(default_value_t = USAGE_INTERVAL.as_secs(), value_parser = clap::value_parser!(u64).range(..=86_400))]
    usage_interval: u64,
    /// Days for which revoked tokens are kept, so that a backup cannot bring them back
    #[arg(long, value_name = "DAYS", env = "TOKENLATCH_KEEP_REVOKED", hide_env_values = true)]
    #[arg(default_value_t = KEPT_REVOKED_DAYS, value_parser = clap::value_parser!(u32).range(..=36_500))]
    keep_revoked: u32,
    /// Log format on standard error: `text` or `json`
    #[arg(long, value_name = "FORMAT", env = "TOKENLATCH_LOG_FORMAT", hide_env_values = true)]
    #[arg(default_value = "text")]
    pub log_format: LogFormat,
    /// Log level, or a list such as `warn,tokenlatch=debug`; below `info` only the service itself is logged, because libraries
    /// log whole requests there
    #[arg(long, value_name = "LEVEL", env = "TOKENLATCH_LOG", hide_env_values = true)]
    #[arg(default_value = "info")]
    pub log_level: String,
    #[command(flatten, next_help_heading = "Edges")]
    pub edges: Edges,
}

/// The address of the administrator's port, if enabled.
#[derive(Clone, Copy)]
struct AdminListen(Option<SocketAddr>);

impl FromStr for AdminListen {
    type Err = String;

    fn from_str(text: &str) -> Result<AdminListen, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(AdminListen(None));
        }
        address(text).map(|address| AdminListen(Some(address)))
    }
}

/// Parses a host name without a port.
fn host(text: &str) -> Result<String, String> {
    Config::host(text).ok_or_else(|| "give a name such as tokens.example.com, or an address, without a port".to_owned())
}

fn minutes(number: u32) -> Duration {
    Duration::from_secs(u64::from(number) * 60)
}

impl Options {
    /// Returns the server's configuration. `folder` is where the self-signed certificate is.
    pub fn config(&self, folder: &Path, snapshots: Option<SnapshotConfig>) -> Config {
        let tls = match (&self.tls_cert, &self.tls_key) {
            _ if self.http => Tls::Plain,
            (Some(certificate), Some(key)) => Tls::Files {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            _ => Tls::SelfSigned {
                folder: folder.to_owned(),
            },
        };
        Config {
            listen: self.listen,
            admin_listen: self.admin_listen.0,
            snapshot_listen: self.edges.snapshot_listen(),
            metrics_listen: self.metrics_listen,
            metrics_token: self.metrics_token,
            guard_listen: self.guard_listen,
            credentials: self.credentials.clone(),
            refusals: self.refusals,
            preflight_paths: self.preflight_paths.clone(),
            upstream: self.upstream.clone(),
            upstream_ca: self.upstream_ca.clone(),
            catalogue: self.catalogue.clone(),
            tls,
            trusted_proxies: self.trusted_proxies.clone(),
            limits: HttpLimits {
                connections: self.max_connections,
                connections_per_address: self.max_connections_per_address,
                body_stall: Duration::from_secs(self.client_send_timeout),
                write_time: Duration::from_secs(self.client_read_timeout),
                upstream_time: Duration::from_secs(self.upstream_timeout),
                upstream_stall: Duration::from_secs(self.upstream_idle_timeout),
                ..HttpLimits::default()
            },
            failures: FailureLimits {
                per_address: self.failures_per_minute,
                per_user: self.failures_per_minute,
            },
            logins: FailureLimits::LOGINS,
            sessions: SessionLimits {
                idle: minutes(self.session_idle),
                lifetime: minutes(self.session_lifetime),
            },
            hosts: self.hosts.clone(),
            usage_interval: Duration::from_secs(self.usage_interval),
            keep_revoked: self.keep_revoked,
            snapshots,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    #[test]
    fn the_administrators_port_may_be_none() {
        assert!(AdminListen::from_str("none").unwrap().0.is_none());
        assert!(AdminListen::from_str("localhost:1").unwrap().0.is_some());
    }
}
