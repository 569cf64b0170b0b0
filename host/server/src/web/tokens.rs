//! The page "Manage API Tokens".

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::http::header::{HOST, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use tokenlatch_core::Realm;

use crate::config::Tls;
use crate::net::certificate_files::CERTIFICATE_FILE;
use crate::state::State;
use crate::web::cookie;
use crate::web::form::Asked;
use crate::web::hosts;
use crate::web::layout::Layout;
use crate::web::list::{ListView, TokenList, read_size};
use crate::web::notice::NoticePage;
use crate::web::reply::{Failed, html};
use crate::web::session::Visitor;
use crate::web::view::count;
use tokenlatch::Error;

/// The cookie that remembers the page size. It identifies nobody.
const SIZE_COOKIE: &str = "tokens_per_page";

/// The function that the example command calls.
pub(crate) const LIST: &str = "Tokens/list";

/// Lifetime of the cookie, in seconds: a year.
const SIZE_COOKIE_AGE: u32 = 365 * 86_400;

/// The page with the table, or with a text if there is no token yet.
#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage<'a> {
    layout: Layout<'a>,
    csrf: &'a str,
    done: Option<String>,
    fault: Option<String>,
    empty: bool,
    curl: String,
    list: TokenList,
}

/// Messages above the table.
#[derive(Default)]
pub(crate) struct Flash {
    /// The success message.
    pub(crate) done: Option<String>,
    /// The fault in the submitted form.
    pub(crate) fault: Option<String>,
}

pub(crate) async fn show(
    Shared(state): Shared<Arc<State>>,
    visitor: Visitor,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    if let Err(error) = state.service.may_manage(&visitor.user).await {
        return disabled(&state, &visitor, error);
    }
    let view = ListView::asked(&asked, remembered(&headers));
    let flash = Flash {
        done: done(&asked),
        fault: None,
    };
    let mut reply = table(&state, &visitor, &headers, &view, flash).await?;
    if let Some(size) = read_size(asked.text("size")) {
        let field =
            format!("{SIZE_COOKIE}={size}; Path=/; Max-Age={SIZE_COOKIE_AGE}; HttpOnly; Secure; SameSite=Strict");
        if let Ok(field) = HeaderValue::try_from(field) {
            reply.headers_mut().append(SET_COOKIE, field);
        }
    }
    Ok(reply)
}

/// The page for a user whom the administrator does not let manage tokens.
fn disabled(state: &State, visitor: &Visitor, error: Error) -> Result<Response, Failed> {
    match Failed::from(error) {
        Failed::Forbidden(reason) => {
            let page = NoticePage {
                layout: Layout::of(state, visitor, "Manage API Tokens"),
                lines: &[&reason],
                links: &[],
            };
            Ok(html(StatusCode::FORBIDDEN, page))
        }
        failed => Err(failed),
    }
}

/// The page for a user who may manage tokens. If the submitted form had a fault, the status is an error.
pub(crate) async fn table(
    state: &State,
    visitor: &Visitor,
    headers: &HeaderMap,
    view: &ListView,
    flash: Flash,
) -> Result<Response, Failed> {
    let base = visitor.path("/tokens");
    let mut list = TokenList::read(state, &visitor.user, Some(Realm::Account), view, base, true).await?;
    let fault = list.refused.take().or(flash.fault);
    let status = match fault {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = TokensPage {
        layout: Layout::of(state, visitor, "Manage API Tokens"),
        csrf: &visitor.csrf,
        done: flash.done,
        empty: list.total == 0 && list.search.is_empty() && fault.is_none(),
        fault,
        curl: curl(state, headers, &visitor.user, LIST),
        list,
    };
    Ok(html(status, page))
}

/// Redirects GET requests for form-only paths to the table.
pub(crate) async fn back(visitor: Visitor) -> Response {
    crate::web::reply::redirect_to(visitor.path("/tokens"))
}

/// The success message that the redirect after a change asks for.
pub(crate) fn done(asked: &Asked) -> Option<String> {
    let number = |name| asked.text(name).parse::<usize>().unwrap_or_default();
    let tokens = |number: usize| match number {
        1 => "1 API token was".to_owned(),
        _ => format!("{} were", count(number, "API token")),
    };
    match (asked.text("done"), number("count"), number("gone")) {
        ("revoked", 0, 0) => None,
        ("revoked", 0, gone) => Some(format!("{} revoked already.", tokens(gone))),
        ("revoked", revoked, 0) => Some(format!("{} revoked.", tokens(revoked))),
        ("revoked", revoked, gone) => Some(format!(
            "{} revoked, {} revoked already.",
            tokens(revoked),
            tokens(gone)
        )),
        _ => None,
    }
}

/// The page size that was selected earlier.
fn remembered(headers: &HeaderMap) -> Option<&str> {
    let size = cookie::values(headers, SIZE_COOKIE).next()?;
    std::str::from_utf8(size).ok()
}

/// An example command that uses a token. The host was checked: it is one of this server's.
pub(crate) fn curl(state: &State, headers: &HeaderMap, user: &str, function: &str) -> String {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = hosts::asked(headers).unwrap_or_default();
    let near = name == "localhost"
        || name
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    // A plain server that is reached by a name other than its loopback names is behind a proxy with TLS.
    let scheme = match state.config.tls {
        Tls::Plain if near => "http",
        _ => "https",
    };
    let trust = match state.config.tls {
        Tls::SelfSigned { .. } => format!(" --cacert {CERTIFICATE_FILE}"),
        _ => String::new(),
    };
    // On standard input, since every user of a machine can read the arguments of its programs.
    format!(
        "printf 'Authorization: cpanel {user}:%s\\n' \"$TOKEN\" | curl{trust} -H @- {scheme}://{host}/execute/{function}"
    )
}
