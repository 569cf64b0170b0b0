//! Header fields that the guard removes from requests and from answers. RULES.md, 8.

use axum::http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, SET_COOKIE, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokenlatch_core::{Danger, danger, is_plain_field};

use crate::middleware::client::remove_fields;
use crate::web_names::is_session;

/// The header fields of one connection, in lower case, which a proxy never forwards: RFC 9110, section 7.6.1. `TE` is one even
/// with the value `trailers`, since the guard forwards no trailers.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields for the last recipient, which `Connection` must not name: without them the API would read the body differently from
/// what was verified.
const END_TO_END: &[HeaderName] = &[CONTENT_ENCODING, CONTENT_TYPE];

/// Removes from a request the fields that may hold a token, every field that states an identity or an origin, and every field of the client's
/// connection.
///
/// The fields that `Connection` names are removed first, so that a client cannot have the identity fields removed.
pub(crate) fn remove_from_request(headers: &mut HeaderMap, credentials: &[HeaderName]) {
    remove_hop_by_hop(headers);
    remove_fields(headers, |name| danger(name).is_some() || !is_plain_field(name));
    // The client adds the upstream's own `Host`.
    for name in credentials.iter().chain(&[EXPECT, HOST]) {
        headers.remove(name);
    }
    rewrite(headers, COOKIE, without_session);
}

/// Removes from an answer of the API the fields of its connection, of identities and of sessions.
pub(crate) fn remove_from_answer(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    remove_fields(headers, |name| danger(name) == Some(Danger::Tokenlatch));
    rewrite(headers, SET_COOKIE, |line| {
        Some(line.clone()).filter(|line| !names_session(line.as_bytes()))
    });
}

/// Replaces each line of a field, or removes it for `None`.
fn rewrite(headers: &mut HeaderMap, name: HeaderName, line: impl Fn(&HeaderValue) -> Option<HeaderValue>) {
    let lines: Vec<HeaderValue> = headers.get_all(&name).iter().filter_map(line).collect();
    headers.remove(&name);
    for line in lines {
        headers.append(&name, line);
    }
}

/// Removes the fields of the connection, those that `Connection` names, and a length that a transfer coding overrides (RFC 9112,
/// section 6.3).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    let nominated: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in nominated.iter().filter(|name| !END_TO_END.contains(name)) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(*name);
    }
}

/// A `Cookie` line without the web interface's session; `None` if no other cookie is left.
fn without_session(line: &HeaderValue) -> Option<HeaderValue> {
    let others = line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let others: Vec<&[u8]> = others.filter(|cookie| !names_session(cookie)).collect();
    let line = HeaderValue::from_bytes(&others.join(&b"; "[..])).ok()?;
    Some(line).filter(|line| !line.is_empty())
}

/// Whether `NAME=VALUE` is the web interface's session cookie. Browsers send `=NAME=VALUE`, a cookie without a name, as
/// `NAME=VALUE`.
fn names_session(cookie: &[u8]) -> bool {
    let mut parts = cookie.split(|byte| *byte == b'=').map(<[u8]>::trim_ascii);
    parts.find(|part| !part.is_empty()).is_some_and(is_session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_the_fields_of_the_connection() {
        let mut headers = HeaderMap::new();
        for name in HOP_BY_HOP
            .iter()
            .chain(&["x-named", "x-other", "x-kept", "content-length", "content-type"])
        {
            headers.append(*name, HeaderValue::from_static("x-named"));
        }
        for line in ["close,, X-Other ;q, \tX-OTHER\t", "keep-alive, \u{fc}", "Content-Type"] {
            headers.append(CONNECTION, line.parse().unwrap_or(HeaderValue::from_static("?")));
        }
        remove_hop_by_hop(&mut headers);
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "x-kept"]);
    }
}
