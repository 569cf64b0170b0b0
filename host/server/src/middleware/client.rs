//! The client's address and the request's id. Both are taken from header fields only if a trusted proxy sent them.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

use tokenlatch_core::{is_forged, is_plain_field};

use crate::config::Config;
use crate::middleware::request_id::RequestId;

/// Field in which a proxy lists the addresses that it saw.
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Field in which a proxy states the scheme by which it was reached.
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Field with the id of the request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The client of a request. The server adds it to each request.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// The client's address. `None` if a trusted proxy sent an unreadable one; a token with an address list is then refused.
    pub address: Option<IpAddr>,
    /// The address of the connection's peer.
    pub peer: IpAddr,
    /// Whether the peer is a trusted proxy, so that its header fields are trusted.
    pub trusted_proxy: bool,
    /// Whether the connection uses TLS.
    pub secure: bool,
    /// The request's id.
    pub request_id: RequestId,
    /// Whether a field was removed whose name could be mistaken for one that clients must not send.
    pub(crate) forged: bool,
}

impl Client {
    /// Reads what a request states about its client, as far as its peer is trusted.
    pub(crate) fn of(config: &Config, peer: SocketAddr, secure: bool, headers: &HeaderMap) -> Client {
        let peer = peer.ip().to_canonical();
        let trusted_proxy = config.trusts(peer);
        let (address, given) = if trusted_proxy {
            (forwarded(config, peer, headers), given_id(headers))
        } else {
            (Some(peer), None)
        };
        Client {
            address,
            peer,
            trusted_proxy,
            secure,
            request_id: given.unwrap_or_default(),
            forged: false,
        }
    }

    /// The address that failures are counted under: the peer's if the client's is unknown.
    #[must_use]
    pub fn counted(&self) -> IpAddr {
        self.address.unwrap_or(self.peer)
    }
}

/// The right-most address of `X-Forwarded-For` that is not a trusted proxy's. The client can forge the entries to its left.
/// Without the field, the address is the proxy's own.
fn forwarded(config: &Config, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let mut last = peer;
    for line in headers.get_all(&FORWARDED_FOR).iter().rev() {
        for entry in line.to_str().ok()?.rsplit(',') {
            last = read_entry(entry.trim())?;
            if !config.trusts(last) {
                return Some(last);
            }
        }
    }
    Some(last)
}

/// Parses an address, with an optional port, and with brackets as in a URL.
fn read_entry(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|error| {
            let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            inner.map_or(Err(error), |inner| inner.parse::<std::net::Ipv6Addr>().map(IpAddr::V6))
        })
        .ok()?;
    Some(address.to_canonical())
}

/// The `X-Request-Id` of a trusted proxy, if there is exactly one.
fn given_id(headers: &HeaderMap) -> Option<RequestId> {
    let mut lines = headers.get_all(&REQUEST_ID).iter();
    let first = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    RequestId::read(first.as_bytes())
}

/// Removes the fields whose names match. Returns their names.
pub(crate) fn remove_fields(headers: &mut HeaderMap, matches: impl Fn(&[u8]) -> bool) -> Vec<HeaderName> {
    let names = headers.keys().filter(|name| matches(name.as_str().as_bytes()));
    let names: Vec<HeaderName> = names.cloned().collect();
    for name in &names {
        headers.remove(name);
    }
    names
}

/// Removes fields whose names have other characters than letters, digits and hyphens. Many programs behind a proxy treat such a
/// character as a hyphen, so these fields could pass for ones that the guard removes. Returns whether one could.
pub(crate) fn remove_ambiguous_fields(headers: &mut HeaderMap) -> bool {
    let removed = remove_fields(headers, |name| !is_plain_field(name));
    removed.iter().any(|name| is_forged(name.as_str().as_bytes()))
}

/// Whether the connection must end after the reply: nobody tracks where a chunked body ends.
pub(crate) fn ends_connection(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
}
