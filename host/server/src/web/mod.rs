//! The web interface: pages for people in a browser, on the same ports as the API.
//!
//! From outside in: the guard (host, site, header fields; [`visit`]), the session ([`session`]), login and logout
//! ([`login`]), and the pages themselves below the session's prefix `/cpsess##########`.

mod admin;
mod assets;
mod cookie;
mod create;
mod create_form;
mod form;
pub(crate) mod hosts;
mod layout;
mod list;
mod login;
mod notice;
mod paths;
mod reply;
mod revoke;
mod session;
mod token_detail;
mod token_routes;
mod tokens;
mod view;
mod visit;

use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::HttpLimits;
use crate::middleware::client::Client;
use crate::middleware::log_fields::PageLogFields;
use crate::state::State;
use crate::web_names::{PREFIX, home, inside};
use login::Shown;
use reply::{Failed, redirect_to};
use session::{Found, Session, Visitor};
use tokenlatch_core::Realm;

/// Maximum bytes that are read of a form from a client that is not logged in.
const TURNED_AWAY_BYTES: usize = 16 << 10;

/// The web interface of a port, for the paths that the API does not have.
pub(crate) fn router(state: &Arc<State>, realm: Realm) -> Router {
    let pages = match realm {
        Realm::Account => token_routes::routes(),
        Realm::Admin => admin::routes(),
    };
    let pages = pages
        // The script calls this for users whose session is about to end.
        .route("/stay", get(|_: Visitor| async { StatusCode::NO_CONTENT }))
        .fallback(|| async { Failed::NotFound })
        .method_not_allowed_fallback(|| async { Failed::Method })
        .with_state(state.clone());
    let (own, within) = (state.clone(), pages);
    Router::new()
        .route("/", get(login::root))
        .route("/login", get(login::form).post(login::login))
        .route("/logout", post(login::logout))
        .method_not_allowed_fallback(|| async { Failed::Method })
        .fallback(move |Extension(session): Extension<Session>, request: Request| {
            enter(own.clone(), realm, within.clone(), session, request)
        })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            // The panic message may contain a secret.
            tracing::error!("page handler panicked");
            Failed::Broken.into_response()
        }))
        .layer(middleware::from_fn(session::layer))
        .layer(Extension(realm))
        .layer(middleware::from_fn_with_state((state.clone(), realm), visit::guard))
        .with_state(state.clone())
}

/// Serves a page if the session is valid and the path has the session's prefix. No handler runs otherwise.
async fn enter(state: Arc<State>, realm: Realm, pages: Router, session: Session, request: Request) -> Response {
    let Some((digits, rest)) = inside(request.uri().path()) else {
        return Failed::NotFound.into_response();
    };
    let (digits, rest) = (digits.to_owned(), rest.to_owned());
    let is_of = |visitor: &Visitor| session::equal_in_constant_time(&digits, visitor.prefix.trim_start_matches(PREFIX));
    let mut request = request;
    let mut found = match session::find(&state, &session, realm).await {
        Ok(found) => found,
        Err(failed) => return failed.into_response(),
    };
    if let Found::Person(visitor) = &found
        && is_of(visitor)
        && !request.body().is_end_stream()
    {
        // The client chooses how long the body takes. So the session is checked again afterwards: it may be over, or the account
        // may have fewer rights.
        request = match form::taken_in(request, &state.config.limits).await {
            Ok(request) => request,
            Err(failed) => {
                let mut reply = failed.into_response();
                reply.extensions_mut().insert(visitor.clone());
                return reply;
            }
        };
        found = match session::find(&state, &session, realm).await {
            Ok(found) => found,
            Err(failed) => return failed.into_response(),
        };
    }
    let visitor = match found {
        Found::Person(visitor) if is_of(&visitor) => visitor,
        found => return turn_away(&state, realm, &found, request).await,
    };
    let rest = rest.as_str();
    if matches!(rest, "" | "/") {
        return redirect_to(visitor.path(home(realm)));
    }
    let Some(uri) = without_prefix(request.uri(), rest) else {
        return Failed::NotFound.into_response();
    };
    *request.uri_mut() = uri;
    request.extensions_mut().insert(visitor.clone());
    let mut reply = match pages.oneshot(request).await {
        Ok(reply) => reply,
        Err(never) => match never {},
    };
    reply.extensions_mut().insert(visitor);
    reply
}

fn without_prefix(uri: &Uri, rest: &str) -> Option<Uri> {
    let path = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{rest}?{query}")),
        None => PathAndQuery::try_from(rest),
    };
    path.ok().map(Uri::from)
}

/// Message for a user whose browser does not keep the cookie. Without it the login form would return without a reason.
const NO_COOKIE: &str = "Your browser did not send the cookie of the login back. Allow cookies for this site.";

/// Whether a request without the session's cookie follows the login form.
fn after_login(headers: &HeaderMap, realm: Realm) -> bool {
    let from_form = |referer: &HeaderValue| {
        let referer = referer.to_str().ok().and_then(|referer| referer.parse::<Uri>().ok());
        referer.is_some_and(|referer| referer.path() == "/login")
    };
    cookie::session_id(headers, realm).is_none() && headers.get(header::REFERER).is_some_and(from_form)
}

/// The login page for a refused request. It says what was not done, and leads back after the login.
async fn turn_away(state: &State, realm: Realm, found: &Found, request: Request) -> Response {
    let (code, reason) = match found {
        Found::Person(_) => ("session_other", "This address belongs to another session."),
        Found::Ended(reason) => ("session_ended", *reason),
        Found::Nobody if after_login(request.headers(), realm) => ("cookie_missing", NO_COOKIE),
        Found::Nobody => ("session_missing", "You are not logged in."),
    };
    let (mut parts, body) = request.into_parts();
    let insecure = parts
        .extensions
        .get::<Client>()
        .is_some_and(|client| visit::drops_cookie(client, &parts.headers));
    let uri = inside(parts.uri.path()).and_then(|(_, rest)| without_prefix(&parts.uri, rest));
    parts.uri = uri.unwrap_or_default();
    let posted = !matches!(parts.method, Method::GET | Method::HEAD);
    let creates = posted && parts.uri.path() == "/tokens";
    let limits = HttpLimits {
        body_bytes: state.config.limits.body_bytes.min(TURNED_AWAY_BYTES),
        ..state.config.limits
    };
    let given = match parts.method {
        Method::POST => form::read(&parts, body, &limits).await.ok(),
        _ => None,
    };
    let to = paths::after(realm, &parts.method, &parts.uri, given.as_ref());
    let nothing = match (creates, posted) {
        (true, _) => " Nothing was created.",
        (false, true) => " Nothing was changed.",
        (false, false) => "",
    };
    let shown = Shown {
        error: &format!("{reason}{nothing} Log in to go on."),
        to: &to,
        insecure,
        ..Shown::default()
    };
    let mut reply = login::login_page(state, realm, StatusCode::UNAUTHORIZED, &shown);
    reply.extensions_mut().insert(PageLogFields {
        reason: code,
        user: None,
    });
    reply
}
