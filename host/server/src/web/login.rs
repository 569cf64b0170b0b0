//! Login and logout.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Request, State as Shared};
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::auth::login_limits::{Attempt, Throttled};
use crate::config::HttpLimits;
use crate::form::{Form, JSON};
use crate::middleware::client::Client;
use crate::middleware::log_fields::PageLogFields;
use crate::state::State;
use crate::web::form::{self, Asked};
use crate::web::layout::Layout;
use crate::web::paths;
use crate::web::reply::{Failed, html, redirect_to};
use crate::web::session::{self, Found, Session, SessionData, Visitor};
use crate::web::visit::drops_cookie;
use crate::web_names::home;
use tokenlatch_core::Realm;

/// Maximum body of a login, in bytes.
const LOGIN_BYTES: usize = 16 << 10;

/// The same message for every cause: it must not reveal which accounts exist.
const INVALID: &str = "The login is invalid.";
const SUSPENDED: &str = "This account is suspended. Ask your administrator.";

/// Where the user is sent after logout.
const OUT: &str = "/login?out=1";

/// The page with the login form.
#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    layout: Layout<'a>,
    /// The error message.
    error: &'a str,
    /// The success message.
    status: &'a str,
    user: &'a str,
    to: &'a str,
    /// Whether the form is left out, because the browser would not keep a login.
    insecure: bool,
}

/// The content of a login page.
#[derive(Default)]
pub(crate) struct Shown<'a> {
    pub(crate) error: &'a str,
    pub(crate) status: &'a str,
    pub(crate) user: &'a str,
    /// Where to go after the login: a path of the web interface, without a prefix.
    pub(crate) to: &'a str,
    /// Whether the browser would not keep a login: see [`drops_cookie`].
    pub(crate) insecure: bool,
}

/// The login page, with a status.
pub(crate) fn login_page(state: &State, realm: Realm, status: StatusCode, shown: &Shown<'_>) -> Response {
    let page = Login {
        layout: Layout::open(state, realm, "Log in"),
        error: shown.error,
        status: shown.status,
        user: shown.user,
        to: shown.to,
        insecure: shown.insecure,
    };
    let mut reply = html(status, page);
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110, section 15.5.2, requires this field. Browsers show no dialog for this scheme.
        let scheme = HeaderValue::from_static("Cookie realm=\"tokenlatch\"");
        reply.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    reply
}

/// `/`: redirects to the first page.
pub(crate) async fn root(
    Shared(state): Shared<Arc<State>>,
    Extension(realm): Extension<Realm>,
    Extension(session): Extension<Session>,
) -> Result<Response, Failed> {
    Ok(match session::find(&state, &session, realm).await? {
        Found::Person(visitor) => redirect_to(visitor.path(home(realm))),
        Found::Nobody | Found::Ended(_) => redirect_to("/login".to_owned()),
    })
}

/// GET `/login`.
pub(crate) async fn form(
    Shared(state): Shared<Arc<State>>,
    Extension(realm): Extension<Realm>,
    Extension(client): Extension<Client>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Failed> {
    let mut shown = Shown {
        insecure: drops_cookie(&client, &headers),
        ..Shown::default()
    };
    match session::find(&state, &session, realm).await? {
        Found::Person(visitor) => return Ok(redirect_to(visitor.path(home(realm)))),
        Found::Ended(reason) => shown.error = reason,
        Found::Nobody if asked.has("out") => shown.status = "You are logged out.",
        Found::Nobody => {}
    }
    Ok(login_page(&state, realm, StatusCode::OK, &shown))
}

/// POST `/login`.
pub(crate) async fn login(
    Shared(state): Shared<Arc<State>>,
    Extension(realm): Extension<Realm>,
    Extension(client): Extension<Client>,
    Extension(session): Extension<Session>,
    request: Request,
) -> Result<Response, Failed> {
    let (parts, body) = request.into_parts();
    let limits = HttpLimits {
        body_bytes: state.config.limits.body_bytes.min(LOGIN_BYTES),
        ..state.config.limits
    };
    // Read first: a slow body must not hold a login place, and the form states whether the client is a script.
    let given = form::read(&parts, body, &limits).await?;
    let for_script = given.text("login_only") == "1";
    let to = paths::known(realm, given.text("to")).unwrap_or_default();
    // Scripts have their own rules for cookies. A person would be asked for the password again and again.
    if !for_script && drops_cookie(&client, &parts.headers) {
        let shown = Shown {
            insecure: true,
            ..Shown::default()
        };
        return Ok(with_log_reason(
            login_page(&state, realm, StatusCode::FORBIDDEN, &shown),
            "login_insecure",
        ));
    }
    Ok(match attempt(&state, realm, client.counted(), &session, &given).await {
        Ok(Outcome::In(visitor)) => {
            let to = visitor.path(if to.is_empty() { home(realm) } else { &to });
            let mut reply = if for_script {
                in_json(&json!({"status": 1, "security_token": visitor.prefix, "redirect": to}))
            } else {
                redirect_to(to)
            };
            reply.extensions_mut().insert(PageLogFields {
                reason: "login",
                user: Some(visitor.user),
            });
            reply
        }
        Ok(Outcome::Refused(status, reason, error)) if for_script => scripted(status, reason, error),
        Ok(Outcome::Refused(status, reason, error)) => {
            let shown = Shown {
                error,
                user: given.text("user"),
                to: &to,
                ..Shown::default()
            };
            with_log_reason(login_page(&state, realm, status, &shown), reason)
        }
        Err(failed) if for_script => {
            let words = failed.words();
            let mut reply = scripted(words.status, words.code, &words.message);
            if let Some(seconds) = failed.retry_after() {
                reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            reply
        }
        Err(failed) => return Err(failed),
    })
}

/// A refusal in the format for scripts.
fn scripted(status: StatusCode, reason: &'static str, error: &str) -> Response {
    let reply = (status, in_json(&json!({"status": 0, "message": error}))).into_response();
    with_log_reason(reply, reason)
}

fn in_json(document: &Value) -> Response {
    ([(CONTENT_TYPE, JSON)], document.to_string()).into_response()
}

/// Adds the reason for the log. The submitted name is not logged: people type their password there.
fn with_log_reason(mut reply: Response, reason: &'static str) -> Response {
    reply.extensions_mut().insert(PageLogFields { reason, user: None });
    reply
}

/// The outcome of a login.
enum Outcome {
    In(Visitor),
    /// The status, the reason for the log, and the message for the client.
    Refused(StatusCode, &'static str, &'static str),
}

async fn attempt(
    state: &State,
    realm: Realm,
    address: IpAddr,
    session: &Session,
    given: &Form,
) -> Result<Outcome, Failed> {
    let user = given.text("user");
    let password = Zeroizing::new(given.text("pass").to_owned());
    let attempt = state.logins.begin(address, user).map_err(|put| match put {
        Throttled::Blocked(wait) => Failed::Later(wait),
        Throttled::Concurrent => Failed::Behind,
        Throttled::Overloaded => Failed::Unavailable,
    })?;
    let checked = check(state, realm, &attempt, user, password).await?;
    // Several logins may be in progress. Once too many have failed, none of them reveals its outcome.
    if let Some(wait) = attempt.blocked() {
        return Err(Failed::Later(wait));
    }
    let visitor = match checked {
        Checked::Good(before) => enter(state, session, realm, user, before.as_deref()).await?,
        Checked::Suspended => {
            return Ok(Outcome::Refused(StatusCode::FORBIDDEN, "account_suspended", SUSPENDED));
        }
        Checked::Wrong => None,
    };
    let Some(visitor) = visitor else {
        return match attempt.failed() {
            Some(wait) => Err(Failed::Later(wait)),
            None => Ok(Outcome::Refused(StatusCode::UNAUTHORIZED, "login_invalid", INVALID)),
        };
    };
    attempt.succeeded();
    Ok(Outcome::In(visitor))
}

/// The outcome of checking a name and a password.
enum Checked {
    /// Correct, with the stored hash from before the check.
    Good(Option<Zeroizing<String>>),
    /// Correct, but the account is suspended.
    Suspended,
    Wrong,
}

async fn check(
    state: &State,
    realm: Realm,
    attempt: &Arc<Attempt>,
    user: &str,
    password: Zeroizing<String>,
) -> Result<Checked, Failed> {
    let before = stored_hash(state, user).await?;
    let turn = || {
        // Other logins may have failed while this one waited.
        attempt.blocked().is_none().then(|| {
            attempt.work();
            attempt.clone()
        })
    };
    let right = state.service.check_password_if(user, password, turn).await;
    attempt.done();
    match right? {
        Some(true) => {}
        Some(false) => return Ok(Checked::Wrong),
        None => return Err(Failed::Later(attempt.blocked().unwrap_or_default())),
    }
    let Some(settings) = state.service.store().settings(user).await? else {
        return Ok(Checked::Wrong);
    };
    Ok(match realm {
        Realm::Admin if !settings.account.administrator => Checked::Wrong,
        _ if settings.account.suspended => Checked::Suspended,
        _ => Checked::Good(before),
    })
}

/// Begins a session. `None` if the password was changed during the check: that change ended the user's sessions, and this one
/// must not outlive it.
async fn enter(
    state: &State,
    session: &Session,
    realm: Realm,
    user: &str,
    before: Option<&String>,
) -> Result<Option<Visitor>, Failed> {
    let data = SessionData::begin(&state.service, user, realm)?;
    let visitor = session::begin(state, session, data).await?;
    if stored_hash(state, user).await?.as_deref() != before {
        session::end(state, session).await?;
        return Ok(None);
    }
    Ok(Some(visitor))
}

async fn stored_hash(state: &State, user: &str) -> Result<Option<Zeroizing<String>>, Failed> {
    let hash = state.service.store().password(user).await?;
    Ok(hash.map(|hash| Zeroizing::new(hash.expose().to_owned())))
}

/// POST `/logout`. It needs the CSRF value. Otherwise any site could log a user out.
pub(crate) async fn logout(
    Shared(state): Shared<Arc<State>>,
    Extension(realm): Extension<Realm>,
    Extension(session): Extension<Session>,
    request: Request,
) -> Result<Response, Failed> {
    let (parts, body) = request.into_parts();
    let given = form::read(&parts, body, &state.config.limits).await?;
    if let Found::Person(visitor) = session::find(&state, &session, realm).await? {
        let right = session::equal_in_constant_time(given.text("csrf"), &visitor.csrf);
        let mut reply = if right {
            session::end(&state, &session).await?;
            redirect_to(OUT.to_owned())
        } else {
            Failed::Stale.into_response()
        };
        reply.extensions_mut().insert(visitor);
        return Ok(reply);
    }
    Ok(redirect_to(OUT.to_owned()))
}
