//! Replies of the module as HTTP responses.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use tokenlatch_core::{Headers, Reply};

/// Converts a reply of the module.
pub(crate) fn response(reply: Reply) -> Response {
    let Headers(fields) = reply.headers;
    let mut response = Response::new(reply.body.into());
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Marks a response in which the module refuses a request.
#[derive(Clone, Copy)]
pub(crate) struct Denied;

/// Converts a refusal of the module.
pub(crate) fn denying(reply: Reply) -> Response {
    let mut response = response(reply);
    response.extensions_mut().insert(Denied);
    response
}
