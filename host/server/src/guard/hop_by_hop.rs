//! The header fields of one connection, which a proxy never forwards: RFC 9110, section 7.6.1.

use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName};

/// The names, in lower case. `TE` is one even with the value `trailers`, since the guard forwards no trailers.
const FIELDS: &[&str] = &[
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

/// Removes these fields, those that `Connection` names, and a length that a transfer coding overrides (RFC 9112, section 6.3).
pub(crate) fn remove(headers: &mut HeaderMap) {
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
    for name in FIELDS {
        headers.remove(*name);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn removes_the_fields_of_the_connection() {
        let mut headers = HeaderMap::new();
        for name in FIELDS
            .iter()
            .chain(&["x-named", "x-other", "x-kept", "content-length", "content-type"])
        {
            headers.append(*name, HeaderValue::from_static("x-named"));
        }
        for line in ["close,, X-Other ;q, \tX-OTHER\t", "keep-alive, \u{fc}", "Content-Type"] {
            headers.append(CONNECTION, line.parse().unwrap_or(HeaderValue::from_static("?")));
        }
        remove(&mut headers);
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "x-kept"]);
    }
}
