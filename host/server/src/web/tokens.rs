//! The table "Manage API Tokens".

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State as Shared;
use axum::http::header::{COOKIE, HOST, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use tokenlatch_core::Realm;

use crate::config::Tls;
use crate::net::certificate_files::CERTIFICATE_FILE;
use crate::state::State;
use crate::web::create;
use crate::web::form::Asked;
use crate::web::hosts;
use crate::web::list::{ListView, TokenList, read_size};
use crate::web::notice::NotePage;
use crate::web::reply::{Failed, Layout, html};
use crate::web::revoke;
use crate::web::session::Visitor;
use crate::web::token_detail;
use crate::web::view::count;
use tokenlatch::Error;

/// The cookie that remembers how many tokens a page shows. It tells nothing of anybody.
const SIZE_COOKIE: &str = "tokens_per_page";

/// The function that the first command calls.
pub(crate) const LIST: &str = "Tokens/list";

/// A year.
const SIZE_COOKIE_AGE: u32 = 365 * 86_400;

/// The paths of the account port, beneath the session's own.
pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/tokens", get(show).post(create::create))
        .route("/tokens/new", get(create::form))
        .route("/tokens/name", get(create::name))
        .route("/tokens/saved", get(back).post(create::saved))
        .route("/tokens/revoke", get(back).post(revoke::revoke))
        .route("/tokens/revoke/confirm", get(back).post(revoke::confirm))
        .route("/tokens/{id}", get(token_detail::show))
        .route(
            "/tokens/{id}/rename",
            get(token_detail::back).post(token_detail::rename),
        )
}

/// The table, or what is shown where there is no token yet.
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

/// What a table is shown with besides its tokens.
#[derive(Default)]
pub(crate) struct Told {
    /// What has been done.
    pub(crate) done: Option<String>,
    /// What is wrong with what was sent.
    pub(crate) fault: Option<String>,
}

async fn show(
    Shared(state): Shared<Arc<State>>,
    visitor: Visitor,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    if let Err(error) = state.service.may_manage(&visitor.user).await {
        return disabled(&state, &visitor, error);
    }
    let view = ListView::asked(&asked, remembered(&headers));
    let told = Told {
        done: done(&asked),
        fault: None,
    };
    let mut reply = table(&state, &visitor, &headers, &view, told).await?;
    if let Some(size) = read_size(asked.text("size")) {
        let cookie =
            format!("{SIZE_COOKIE}={size}; Path=/; Max-Age={SIZE_COOKIE_AGE}; HttpOnly; Secure; SameSite=Strict");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            reply.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    Ok(reply)
}

/// What is shown to whom the administrator lets manage no tokens.
fn disabled(state: &State, visitor: &Visitor, error: Error) -> Result<Response, Failed> {
    match Failed::from(error) {
        Failed::Forbidden(reason) => {
            let page = NotePage {
                layout: Layout::of(state, visitor, "Manage API Tokens"),
                lines: &[&reason],
                links: &[],
            };
            Ok(html(StatusCode::FORBIDDEN, page))
        }
        failed => Err(failed),
    }
}

/// The table, for whom may manage tokens. Where something is wrong with what was sent, it is no success.
pub(crate) async fn table(
    state: &State,
    visitor: &Visitor,
    headers: &HeaderMap,
    view: &ListView,
    told: Told,
) -> Result<Response, Failed> {
    let base = visitor.path("/tokens");
    let mut list = TokenList::read(state, &visitor.user, Some(Realm::Account), view, base, true).await?;
    let fault = list.refused.take().or(told.fault);
    let status = match fault {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = TokensPage {
        layout: Layout::of(state, visitor, "Manage API Tokens"),
        csrf: &visitor.csrf,
        done: told.done,
        empty: list.total == 0 && list.search.is_empty() && fault.is_none(),
        fault,
        curl: curl(state, headers, &visitor.user, LIST),
        list,
    };
    Ok(html(status, page))
}

/// Who comes by an address that only forms are sent to finds the table.
async fn back(visitor: Visitor) -> Response {
    crate::web::reply::see(visitor.path("/tokens"))
}

/// What the redirect after a change says has been done.
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

/// The size that an earlier visit chose.
fn remembered(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == SIZE_COOKIE).then_some(value))
}

/// A first command with a token. The host has been checked: it is one of this server's.
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
    // Whoever comes to a plain server by a name that isn't the machine's own comes through a proxy that has TLS.
    let scheme = match state.config.tls {
        Tls::Plain if near => "http",
        _ => "https",
    };
    let trust = match state.config.tls {
        Tls::SelfSigned { .. } => format!(" --cacert {CERTIFICATE_FILE}"),
        _ => String::new(),
    };
    // By standard input: the arguments of a program are everybody's to read.
    format!(
        "printf 'Authorization: cpanel {user}:%s\\n' \"$TOKEN\" | curl{trust} -H @- {scheme}://{host}/execute/{function}"
    )
}
