//! Revokes an account's tokens on both ports, after a confirmation.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;

use super::{gone, path_of, user_of};
use crate::state::State;
use crate::web::admin::account::draw;
use crate::web::form::Posted;
use crate::web::list::ListView;
use crate::web::reply::{Failed, html, redirect_to};
use crate::web::revoke::{RevokePage, choice, chosen, revoked};

pub(crate) async fn confirm(
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

pub(crate) async fn revoke(
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
    Ok(redirect_to(revoked(&ListView::posted(&posted), &base, &outcome)))
}
