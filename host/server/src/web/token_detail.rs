//! The page of one token: its details, renaming, and its expiry.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use tokenlatch_core::{Access, MAX_NAME, Realm};

use crate::state::State;
use crate::web::form::{Asked, Posted};
use crate::web::layout::Layout;
use crate::web::reply::{Failed, html, redirect_to, sentence};
use crate::web::session::Visitor;
use crate::web::view::Row;
use tokenlatch::Error;
use tokenlatch::ListedToken;
use tokenlatch::StoreError;

/// The page of a token, with its actions.
#[derive(Template)]
#[template(path = "manage.html")]
struct ManagePage<'a> {
    layout: Layout<'a>,
    base: String,
    csrf: &'a str,
    row: Row,
    features: &'a [String],
    addresses: &'a [String],
    most: usize,
    new_name: &'a str,
    done: Option<&'static str>,
    fault: Option<String>,
}

pub(crate) async fn show(
    Shared(state): Shared<Arc<State>>,
    visitor: Visitor,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failed> {
    let token = find(&state, &visitor, &id).await?;
    let done = (asked.text("done") == "renamed").then_some("The API token was renamed.");
    Ok(page(&state, &visitor, &token, &token.token.name, done, None))
}

pub(crate) async fn rename(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failed> {
    let visitor = &posted.visitor;
    let token = find(&state, visitor, &id).await?;
    let name = posted.text("new_name");
    let renamed = state
        .service
        .rename_by_id(&visitor.user, Realm::Account, &id, name)
        .await;
    match renamed {
        Ok(_) => Ok(redirect_to(visitor.path(&format!("/tokens/{id}?done=renamed")))),
        Err(error @ (Error::Refused(_) | Error::Store(StoreError::NameTaken))) => {
            let fault = Some(sentence(&error.message()));
            Ok(page(&state, visitor, &token, name, None, fault))
        }
        Err(error) => Err(error.into()),
    }
}

/// Redirects GET requests for the form-only path to the token's page.
pub(crate) async fn back(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failed> {
    let sound = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let path = format!("/tokens/{id}");
    sound.then(|| redirect_to(visitor.path(&path))).ok_or(Failed::NotFound)
}

/// The user's own valid token of this port with an id. Another user's token counts as absent.
async fn find(state: &State, visitor: &Visitor, id: &str) -> Result<ListedToken, Failed> {
    state.service.may_manage(&visitor.user).await?;
    let ids = [id.to_owned()];
    let found = state.service.listed(&visitor.user, Realm::Account, &ids).await?;
    found.into_iter().next().ok_or(Failed::NotFound)
}

fn page(
    state: &State,
    visitor: &Visitor,
    listed: &ListedToken,
    new_name: &str,
    done: Option<&'static str>,
    fault: Option<String>,
) -> Response {
    let token = &listed.token;
    let status = match fault {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let title = format!("Manage {}", token.name);
    let page = ManagePage {
        layout: Layout::of(state, visitor, &title),
        base: visitor.path("/tokens"),
        csrf: &visitor.csrf,
        row: Row::of(*state.service.zone(), listed),
        features: match &token.access {
            Access::Full => &[],
            Access::Limited { features } => features,
        },
        addresses: &token.addresses,
        most: MAX_NAME,
        new_name,
        done,
        fault,
    };
    html(status, page)
}
