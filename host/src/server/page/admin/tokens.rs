//! Revoking an account's tokens, of both ports: asked first, then done.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::super::state::State;
use super::super::form::Posted;
use super::super::list::ListView;
use super::super::reply::{Failed, html, see};
use super::super::revoke::{RevokePage, choice, chosen, revoked};
use super::account::draw;
use super::{gone, path_of, user_of};

pub(super) async fn confirm(
    Shared(state): Shared<Arc<State>>,
    Path(step): Path<String>,
    posted: Posted,
) -> Result<Response, Failed> {
    let (visitor, user) = (&posted.visitor, user_of(&step));
    let view = ListView::posted(&posted);
    let chosen = match choice(&state, user, None, &posted).await.map_err(gone)? {
        Ok(chosen) => chosen,
        Err(told) => return draw(&state, visitor, user, &view, told, None).await,
    };
    let title = format!("Revoke API Tokens of {user}");
    let page = RevokePage::of(&state, visitor, &title, &path_of(visitor, user), &view, chosen);
    Ok(html(StatusCode::OK, page))
}

pub(super) async fn revoke(
    Shared(state): Shared<Arc<State>>,
    Path(step): Path<String>,
    posted: Posted,
) -> Result<Response, Failed> {
    let user = user_of(&step);
    let outcome = state
        .service
        .revoke_by_ids(user, None, &chosen(&posted))
        .await
        .map_err(gone)?;
    let base = path_of(&posted.visitor, user);
    Ok(see(revoked(&ListView::posted(&posted), &base, &outcome)))
}
