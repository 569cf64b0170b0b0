//! Who asks: the client's address and the request's id. Only a trusted proxy can tell us either.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

use tokenlatch_core::{is_forged, is_plain_field};

use crate::config::Config;
use crate::middleware::request_id::RequestId;

/// Where a proxy puts the addresses that it saw.
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How a proxy says by which scheme it was reached.
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The id of the request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who asks. The edge puts it into each request.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// The client's address; `None` when a trusted proxy sent what cannot be read. Then a token with an address list
    /// is refused.
    pub address: Option<IpAddr>,
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whether that is a trusted proxy, so that its headers may be believed.
    pub trusted_proxy: bool,
    /// Whether the connection is secured.
    pub secure: bool,
    /// The request's id.
    pub request_id: RequestId,
    /// Whether a field was removed that could pass for one that no client may send.
    pub(crate) forged: bool,
}

impl Client {
    /// Reads what a request says of its sender, as far as its peer is trusted.
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

    /// The address that failures are counted under: the peer's when the client's is unknown.
    #[must_use]
    pub fn counted(&self) -> IpAddr {
        self.address.unwrap_or(self.peer)
    }
}

/// The right-most address of `X-Forwarded-For` that is no trusted proxy's: what stands left of it, anybody may have
/// written. Without the field it is the proxy itself that asks.
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

/// An address, perhaps with a port, and with brackets as in a URL.
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

/// The one `X-Request-Id` of a trusted proxy.
fn given_id(headers: &HeaderMap) -> Option<RequestId> {
    let mut lines = headers.get_all(&REQUEST_ID).iter();
    let first = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    RequestId::read(first.as_bytes())
}

/// Removes fields whose names have other characters than letters, digits and hyphens: for many programs behind a proxy
/// they mean the same as with a hyphen, so they could pass for fields that the guard takes out. Returns whether one did.
pub(crate) fn drop_doubtful(headers: &mut HeaderMap) -> bool {
    let doubtful = headers.keys().filter(|name| !is_plain_field(name.as_str().as_bytes()));
    let doubtful: Vec<HeaderName> = doubtful.cloned().collect();
    for name in &doubtful {
        headers.remove(name);
    }
    doubtful.iter().any(|name| is_forged(name.as_str().as_bytes()))
}

/// Whether a reply to these headers must end the connection: after a chunked body nobody counted where it ends.
pub(crate) fn ends_connection(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
}
