//! The guard around every request to the web interface: it checks the host name and the site, and adds the header fields of
//! every reply.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State as Shared};
use axum::http::header::{self, HOST, HeaderName, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::middleware::client::{Client, FORWARDED_FOR, FORWARDED_PROTO};
use crate::middleware::log_fields::PageLogFields;
use crate::problem::Problem;
use crate::state::State;
use crate::web::assets;
use crate::web::hosts;
use crate::web::layout::Layout;
use crate::web::reply::{Failed, html};
use crate::web::session::Visitor;
use crate::web_names::belongs;
use tokenlatch_core::Realm;

/// The header fields of every reply. `Referrer-Policy` is not `no-referrer`: browsers would then send `Origin: null` with the web
/// interface's own forms.
const FIELDS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), \
         midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=()",
    ),
];

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A page with a message only, for a failure.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    layout: Layout<'a>,
    message: &'a str,
    /// Whether the page has a link back.
    back: bool,
}

/// The guard around the web interface of a port.
pub(crate) async fn guard(
    Shared((state, realm)): Shared<(Arc<State>, Realm)>,
    request: Request,
    next: Next,
) -> Response {
    if !belongs(request.uri().path()) {
        // Answered as the API does: this path shows no web interface.
        return Problem::NOT_FOUND.into_response();
    }
    let reply = match check(&state, &request) {
        Err(failed) => failed.into_response(),
        Ok(()) => match assets::reply(request.method(), request.uri().path()) {
            Some(reply) => reply,
            None => next.run(request).await,
        },
    };
    finish(&state, realm, reply)
}

fn check(state: &State, request: &Request) -> Result<(), Failed> {
    let host = hosts::asked(request.headers());
    if !host.as_deref().is_some_and(|host| state.hosts.allow(host)) {
        return Err(Failed::Host(host));
    }
    let secure = request.extensions().get::<Client>().is_some_and(|client| client.secure);
    if *request.method() == Method::POST && !is_same_site(request.headers(), secure) {
        return Err(Failed::CrossSite);
    }
    Ok(())
}

/// Whether no header field says that another site sent this. Clients other than browsers send no such field.
fn is_same_site(headers: &HeaderMap, secure: bool) -> bool {
    let said = |value: &HeaderValue| matches!(value.as_bytes(), b"same-origin" | b"none");
    headers.get_all(FETCH_SITE).iter().all(said)
        && headers
            .get_all(ORIGIN)
            .iter()
            .all(|origin| is_ours(origin, headers.get(HOST), secure))
}

/// Whether an origin is the request's host. Behind a proxy the browser's scheme may differ from the server's.
fn is_ours(origin: &HeaderValue, host: Option<&HeaderValue>, secure: bool) -> bool {
    let read = || {
        let origin: Uri = origin.to_str().ok()?.parse().ok()?;
        let port = match origin.scheme_str()? {
            "https" => 443,
            "http" if !secure => 80,
            _ => return None,
        };
        let host: Uri = host?.to_str().ok()?.parse().ok()?;
        let (origin, host) = (origin.authority()?, host.authority()?);
        let ports = (origin.port_u16().unwrap_or(port), host.port_u16().unwrap_or(port));
        Some(origin.host().eq_ignore_ascii_case(host.host()) && ports.0 == ports.1)
    };
    read().unwrap_or(false)
}

/// Whether the browser will not keep the session's cookie. The cookie is `Secure`: over plain HTTP browsers accept it only from
/// loopback hosts (RFC 6265bis, section 5.7, and their rule for `localhost`).
pub(crate) fn drops_cookie(client: &Client, headers: &HeaderMap) -> bool {
    if client.secure {
        return false;
    }
    // A proxy knows how the browser reached it. If it does not state the scheme, nothing is known.
    if client.trusted_proxy && headers.contains_key(FORWARDED_FOR) {
        return headers
            .get_all(FORWARDED_PROTO)
            .iter()
            .any(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"http"));
    }
    !hosts::asked(headers).is_some_and(|host| hosts::is_loopback(&host))
}

/// Renders a failure, and adds the header fields.
fn finish(state: &State, realm: Realm, mut reply: Response) -> Response {
    let visitor = reply.extensions_mut().remove::<Visitor>();
    let mut reason = "page";
    if let Some(failed) = reply.extensions_mut().remove::<Failed>() {
        let words = failed.words();
        reason = words.code;
        let mut page = draw(state, realm, visitor.as_ref(), &failed);
        // Such as `Allow`, and cookies.
        for (name, value) in reply.headers() {
            if *name != header::CONTENT_LENGTH {
                page.headers_mut().append(name, value.clone());
            }
        }
        if let Some(noted) = reply.extensions_mut().remove::<PageLogFields>() {
            page.extensions_mut().insert(noted);
        }
        reply = page;
    }
    let headers = reply.headers_mut();
    for (name, value) in FIELDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if reply.extensions().get::<PageLogFields>().is_none() {
        let user = visitor.map(|visitor| visitor.user);
        reply.extensions_mut().insert(PageLogFields { reason, user });
    }
    reply
}

fn draw(state: &State, realm: Realm, visitor: Option<&Visitor>, failed: &Failed) -> Response {
    let words = failed.words();
    let layout = Layout {
        visitor,
        ..Layout::open(state, realm, words.title)
    };
    let page = Message {
        layout,
        message: &words.message,
        back: !matches!(failed, Failed::Host(_)),
    };
    // Not by `html`, whose failure is rendered here.
    let mut reply = match page.render() {
        Ok(_) => html(words.status, page),
        Err(_) => Problem::INTERNAL.into_response(),
    };
    if let Some(seconds) = failed.retry_after() {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Failed::Problem(Problem { close: true, .. }) = failed {
        let close = HeaderValue::from_static("close");
        reply.headers_mut().insert(header::CONNECTION, close);
    }
    reply
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    fn ours(origin: &str, host: &str, secure: bool) -> bool {
        is_ours(&origin.parse().unwrap(), Some(&host.parse().unwrap()), secure)
    }

    #[test]
    fn own_origin_must_match_host_and_port() {
        assert!(ours("https://localhost:2083", "localhost:2083", true));
        assert!(ours("https://Tokens.example", "tokens.example:443", true));
        assert!(ours("http://127.0.0.1:8080", "127.0.0.1:8080", false));
        assert!(ours("https://tokens.example", "tokens.example", false));
        assert!(ours("https://[::1]:2083", "[::1]:2083", true));
        for (origin, host) in [
            ("http://localhost:2083", "localhost:2083"),
            ("https://localhost:2087", "localhost:2083"),
            ("https://evil.example", "localhost:2083"),
            ("https://localhost.evil.example:2083", "localhost:2083"),
            ("null", "localhost:2083"),
            ("", "localhost:2083"),
            ("file://", "localhost:2083"),
            ("https://localhost:2083@evil.example", "localhost:2083"),
        ] {
            assert!(!ours(origin, host, true), "{origin}");
        }
    }
}
