//! `/auth`: a proxy in front of an API asks whether a request may go on. nginx's `auth_request`, Caddy's `forward_auth`,
//! Traefik's ForwardAuth.

use std::sync::Arc;

use axum::extract::{Extension, Request, State as Shared};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokenlatch_core::{Api, Call, Realm};

use super::admission::{Ended, admit, forbidden, malformed, reply_of};
use super::api2::Choice;
use super::client::Client;
use super::form::Form;
use super::identity;
use super::problem::Problem;
use super::target;
use super::threshold::Threshold;
use super::whm::CPANEL;

/// How nginx is told to name the request.
const NGINX: [HeaderName; 2] = [
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-original-method"),
];

/// How Caddy and Traefik name it.
const FORWARDED: [HeaderName; 2] = [
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-forwarded-method"),
];

/// The keys of a query that names a call.
const WORDS: &[&str] = &["module", "function", "api", "feature", "writes"];

/// How often a key may have been escaped on its way.
const DECODINGS: usize = 3;

const WRONG_QUERY: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "call_invalid",
    "The query names a function by module and function (and api), or a feature and writes=0 or 1, each once.",
);

/// Verifies for the account port.
pub(super) async fn account<T: Threshold>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    reply_of(verify(state.as_ref(), &client, Realm::Account, &parts).await)
}

/// Verifies for the administrator's port.
pub(super) async fn admin<T: Threshold>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    reply_of(verify(state.as_ref(), &client, Realm::Admin, &parts).await)
}

async fn verify(state: &impl Threshold, client: &Client, realm: Realm, request: &Parts) -> Result<Response, Ended> {
    let query = Form::of_query(request.uri.query())?;
    if target::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    let wanted = if leaks(request) {
        Wanted::unclear(realm)
    } else if query.len() > 0 {
        asked(&query, realm)?.into()
    } else if client.trusted_proxy {
        proxied(&request.headers, realm)
    } else {
        target::nothing(realm).into()
    };
    let admitted = admit(state, client, &request.headers, &wanted.call).await?;
    if wanted.unclear {
        return Err(forbidden(state, &admitted, "call_unclear"));
    }
    if wanted.user.is_some_and(|user| user != admitted.user) {
        return Err(forbidden(state, &admitted, "user_mismatch"));
    }
    let mut reply = StatusCode::OK.into_response();
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    identity::add(reply.headers_mut(), &admitted.verdict, realm);
    Ok(admitted.sign(reply))
}

/// Whether the query here may be the client's. A proxy that hands the query of the original request on (Caddy's `rewrite`
/// does, unless told otherwise), all of it or a part, with words of its own or without, would let the client choose what
/// is verified. So where the original query uses one of our words, nobody can tell who wrote ours.
fn leaks(request: &Parts) -> bool {
    let Some(query) = request.uri.query().filter(|query| !query.is_empty()) else {
        return false;
    };
    let told = [&NGINX[0], &FORWARDED[0]].map(|name| request.headers.get_all(name));
    let mut told = told.into_iter().flatten().map(|target| target.as_bytes());
    told.any(|target| {
        let end = target.iter().position(|byte| *byte == b'?').map(|at| at + 1);
        let original = end.and_then(|at| target.get(at..)).unwrap_or_default();
        original == query.as_bytes() || names_call(original)
    })
}

/// Whether a query has one of the keys that name a call, in any spelling that some server would take for it.
fn names_call(query: &[u8]) -> bool {
    let is_word = |key: &[u8]| {
        WORDS
            .iter()
            .any(|word| word.as_bytes().eq_ignore_ascii_case(key.trim_ascii()))
    };
    query.split(|byte| matches!(byte, b'&' | b';' | b'?')).any(|pair| {
        let key = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        let mut key: Vec<u8> = key
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        for _ in 0..DECODINGS {
            key = percent_encoding::percent_decode(&key).collect();
        }
        // What was escaped may separate as well, once it isn't.
        let mut parts = key.split(|byte| matches!(byte, b'&' | b';' | b'?' | b'=' | b'\0'));
        parts.any(is_word)
    })
}

/// The call that is to be decided on.
struct Wanted {
    call: Call,
    /// The one user whose it may be.
    user: Option<String>,
    /// Something was named that cannot be told for sure: no token may do that, not even one that may do everything, for
    /// its account may not.
    unclear: bool,
}

impl Wanted {
    fn unclear(realm: Realm) -> Wanted {
        Wanted {
            unclear: true,
            ..target::nothing(realm).into()
        }
    }
}

impl From<Call> for Wanted {
    fn from(call: Call) -> Wanted {
        Wanted {
            call,
            user: None,
            unclear: false,
        }
    }
}

/// The call that the query spells out.
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
        address: None,
        realm: Some(realm),
    })
}

/// The call that a trusted proxy's header fields name.
fn proxied(headers: &HeaderMap, realm: Realm) -> Wanted {
    let (nginx, forwarded) = (named_by(headers, &NGINX), named_by(headers, &FORWARDED));
    // Either kind may have come from the client where the proxy sets only the other.
    let named = match (nginx, forwarded) {
        (Named::Not, Named::As(uri, method)) | (Named::As(uri, method), Named::Not) => (uri, method),
        (Named::Not, Named::Not) => return target::nothing(realm).into(),
        _ => return Wanted::unclear(realm),
    };
    of_request(&named.0, &named.1, realm).unwrap_or_else(|| Wanted::unclear(realm))
}

/// What one kind of header fields says.
enum Named {
    /// Neither field is there.
    Not,
    /// A field is missing, repeated or unreadable.
    Unclear,
    /// The target and the method of the request.
    As(Uri, Method),
}

fn named_by(headers: &HeaderMap, [uri, method]: &[HeaderName; 2]) -> Named {
    let values = |name| headers.get_all(name).iter().collect::<Vec<_>>();
    match (values(uri).as_slice(), values(method).as_slice()) {
        ([], []) => Named::Not,
        ([uri], [method]) => {
            let uri = uri.to_str().ok().filter(|uri| uri.starts_with('/'));
            let uri = uri.and_then(|uri| uri.parse().ok());
            match (uri, Method::from_bytes(method.as_bytes())) {
                (Some(uri), Ok(method)) => Named::As(uri, method),
                _ => Named::Unclear,
            }
        }
        _ => Named::Unclear,
    }
}

/// The call that a request to the API makes; `None` when that cannot be said for sure.
fn of_request(uri: &Uri, method: &Method, realm: Realm) -> Option<Wanted> {
    if !target::is_plain(uri) {
        return None;
    }
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let path = uri.path();
    let folded = path.to_ascii_lowercase();
    if folded == "/execute" || folded.starts_with("/execute/") {
        let (module, function) = target::execute(path).filter(|_| realm == Realm::Account)?;
        return Some(target::function(Api::Uapi, module, function, realm).into());
    }
    if folded == "/json-api" || folded.starts_with("/json-api/") {
        let function = target::json_api(path)?;
        if realm == Realm::Admin {
            return Some(target::whm(function).into()).filter(|_| !function.eq_ignore_ascii_case(CPANEL));
        }
        // The body of a POST may choose another function, and it is not seen here.
        if function != CPANEL || !reads {
            return None;
        }
        let choice = Choice::of(&Form::of_query(uri.query()).ok()?).ok()?;
        // What isn't named plainly may be a function to the API all the same.
        if !choice.is_clear() {
            return None;
        }
        return Some(Wanted {
            call: choice.call(realm),
            user: choice.user,
            unclear: false,
        });
    }
    // Other ways to call functions, which are not judged here.
    if folded.starts_with("/xml-api") || folded.starts_with("/cpsess") {
        return None;
    }
    let call = Call {
        writes: Some(!reads),
        ..target::nothing(realm)
    };
    Some(call.into())
}
