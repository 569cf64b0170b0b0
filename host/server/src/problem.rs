//! Refusals of the server itself: small problem documents (RFC 9457) that reveal no internals.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;

/// A refusal by the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable code.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: &'static str,
    /// The value of `Allow`, for status 405.
    pub allow: Option<&'static str>,
    /// The value of `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// Whether the connection ends after the reply.
    pub close: bool,
}

impl Problem {
    /// Creates a refusal of one request.
    #[must_use]
    pub const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Problem {
        Problem {
            status,
            code,
            detail,
            allow: None,
            retry_after: None,
            close: false,
        }
    }

    /// Closes the connection after the reply.
    #[must_use]
    pub const fn closing(self) -> Problem {
        Problem { close: true, ..self }
    }

    /// Sets the allowed methods.
    #[must_use]
    pub const fn allowing(self, methods: &'static str) -> Problem {
        Problem {
            allow: Some(methods),
            ..self
        }
    }

    /// Sets the time after which the client may try again, in seconds.
    #[must_use]
    pub const fn after(self, seconds: u32) -> Problem {
        Problem {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// The path does not exist.
    pub const NOT_FOUND: Problem = Problem::new(StatusCode::NOT_FOUND, "not_found", "Not found.");
    /// The path does not have this method.
    pub const METHOD: Problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method not allowed.",
    );
    /// The body is too large.
    pub const BODY_TOO_LARGE: Problem = Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body of the request is too large.",
    )
    .closing();
    /// The body came too slowly.
    pub const BODY_TOO_SLOW: Problem = Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_too_slow",
        "The body of the request was sent too slowly.",
    )
    .closing();
    /// The body ended early or cannot be read.
    pub const BODY_BROKEN: Problem = Problem::new(
        StatusCode::BAD_REQUEST,
        "body_broken",
        "The body of the request cannot be read.",
    )
    .closing();
    /// The server cannot answer now.
    pub const UNAVAILABLE: Problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "The server cannot answer now; try again later.",
    )
    .after(1);
    /// An internal error.
    pub const INTERNAL: Problem = Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The request could not be carried out.",
    );

    /// The problem document. It has no `status`: clients of UAPI take one that is not 0 for success.
    #[must_use]
    pub fn body(&self) -> String {
        let title = self.status.canonical_reason().unwrap_or("Error");
        // Every part is a constant that needs no JSON escapes. A test checks this.
        format!(
            r#"{{"type":"about:blank","title":"{title}","detail":"{}","code":"{}"}}"#,
            self.detail, self.code
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status;
        // Under the API's paths, the envelope layer wraps it.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(methods) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
