//! `/auth`: forward authentication. A proxy in front of an API asks whether a request may pass: nginx's `auth_request`, Caddy's
//! `forward_auth`, Traefik's ForwardAuth.

use std::sync::Arc;

use axum::extract::{Extension, Request, State as Shared};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokenlatch_core::{Api, Call, Realm, Reason, call_of, is_forged, names_any, plain_target};

use crate::auth::admitted::note;
use crate::auth::authenticate::{EarlyReply, forbidden, malformed, pass, reply_of};
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::form::Form;
use crate::guard::identity_headers;
use crate::middleware::client::Client;
use crate::problem::Problem;

/// The header fields in which nginx sends the request's target and method.
const NGINX: [HeaderName; 2] = [
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-original-method"),
];

/// The header fields in which Caddy and Traefik send them.
const FORWARDED: [HeaderName; 2] = [
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-forwarded-method"),
];

/// The query parameters that name a call.
const WORDS: &[&str] = &["module", "function", "api", "feature", "writes"];

const WRONG_QUERY: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "call_invalid",
    "The query must name a function (`module`, `function`, optionally `api`) or a feature (`feature`, `writes`), each \
     parameter once.",
);

/// Verifies a request for the account port.
pub(crate) async fn account<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    reply_of(verify(state.as_ref(), &client, Realm::Account, &parts).await)
}

/// Verifies a request for the administrator's port.
pub(crate) async fn admin<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    reply_of(verify(state.as_ref(), &client, Realm::Admin, &parts).await)
}

async fn verify(state: &impl Backend, client: &Client, realm: Realm, request: &Parts) -> Result<Response, EarlyReply> {
    let query = Form::of_query(request.uri.query())?;
    if calls::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    // A call that cannot be determined for certain is refused to every token, even to one with full access: its account may be
    // limited.
    let call = if forges(client, &request.headers) || leaks(request) {
        None
    } else if query.len() > 0 {
        Some(asked(&query, realm)?)
    } else if client.trusted_proxy {
        proxied(&request.headers, realm)
    } else {
        Some(calls::nothing(realm))
    };
    let strictest = || calls::nothing(realm);
    let judged = call.clone().unwrap_or_else(strictest);
    let admitted = pass(state, client, &request.headers, &judged).await?;
    let mut reply = StatusCode::OK.into_response();
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let Some(admitted) = admitted else {
        note(&mut reply, Reason::Public.as_str(), None);
        return Ok(reply);
    };
    if call.is_none() {
        return Err(forbidden(state, &admitted, "call_unclear"));
    }
    identity_headers::add(reply.headers_mut(), &admitted.verdict, realm);
    Ok(admitted.sign(reply))
}

/// Whether a header field could change what the API does, or could be taken for one that the service sets. The proxy passed it to
/// the service, so it may pass it to the API too.
fn forges(client: &Client, headers: &HeaderMap) -> bool {
    client.forged || headers.keys().any(|name| is_forged(name.as_str().as_bytes()))
}

/// Whether the query of this request may be the client's. Some proxies pass the query of the original request on, whole or in
/// part (Caddy's `rewrite` does by default). The client could then choose what is verified. So if the original query uses one of
/// the parameters in [`WORDS`], nobody can tell who wrote it, and the request is refused.
///
/// The original target is checked as well, because the proxy chose the parameters by its own reading of it.
fn leaks(request: &Parts) -> bool {
    let Some(query) = request.uri.query().filter(|query| !query.is_empty()) else {
        return false;
    };
    let told = [&NGINX[0], &FORWARDED[0]].map(|name| request.headers.get_all(name));
    told.into_iter()
        .flatten()
        .map(|target| target.as_bytes())
        .any(|target| {
            let end = target.iter().position(|byte| *byte == b'?').map(|at| at + 1);
            let original = end.and_then(|at| target.get(at..)).unwrap_or_default();
            plain_target(target).is_none() || original == query.as_bytes() || names_any(original, WORDS)
        })
}

/// The call that the query names.
fn asked(query: &Form, realm: Realm) -> Result<Call, Problem> {
    if query.keys().any(|key| !WORDS.contains(&key)) {
        return Err(WRONG_QUERY);
    }
    let one = |key| query.one(key).map_err(|_| WRONG_QUERY);
    let api = match one("api")?.as_deref() {
        None => None,
        Some("uapi") => Some(Api::Uapi),
        Some("api2") => Some(Api::Api2),
        Some("api1") => Some(Api::Api1),
        Some("whm") => Some(Api::Whm),
        Some(_) => return Err(WRONG_QUERY),
    };
    let writes = match one("writes")?.as_deref() {
        None => None,
        Some("0") => Some(false),
        Some("1") => Some(true),
        Some(_) => return Err(WRONG_QUERY),
    };
    let (module, function, feature) = (one("module")?, one("function")?, one("feature")?);
    let named = module.is_some() || function.is_some();
    let touched = feature.is_some() || writes.is_some();
    let whole = module.is_some() == function.is_some() && !(named && touched) && (named || api.is_none());
    if !whole || (!named && !touched) {
        return Err(WRONG_QUERY);
    }
    Ok(Call {
        api,
        module,
        function,
        feature,
        writes,
        realm: Some(realm),
        ..Call::default()
    })
}

/// The call that a trusted proxy's header fields name; `None` if it cannot be determined for certain.
fn proxied(headers: &HeaderMap, realm: Realm) -> Option<Call> {
    // If the proxy sets only one pair, the other may come from the client.
    let (target, method) = match (named_by(headers, &NGINX), named_by(headers, &FORWARDED)) {
        (FieldPair::Not, FieldPair::As(target, method)) | (FieldPair::As(target, method), FieldPair::Not) => {
            (target, method)
        }
        (FieldPair::Not, FieldPair::Not) => return Some(calls::nothing(realm)),
        _ => return None,
    };
    call_of(str::from_utf8(method).ok()?, target, realm)
}

/// The result of reading one pair of header fields.
enum FieldPair<'h> {
    /// Neither field is there.
    Not,
    /// One of the two fields is missing or repeated.
    Unclear,
    /// The target and the method of the request, unchanged.
    As(&'h [u8], &'h [u8]),
}

fn named_by<'h>(headers: &'h HeaderMap, [target, method]: &[HeaderName; 2]) -> FieldPair<'h> {
    let values = |name| {
        headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect::<Vec<_>>()
    };
    match (values(target).as_slice(), values(method).as_slice()) {
        ([], []) => FieldPair::Not,
        ([target], [method]) => FieldPair::As(target, method),
        _ => FieldPair::Unclear,
    }
}
