//! Revoking an account's tokens, of both ports: asked first, then done.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::super::state::State;
use super::super::form::Posted;
use super::super::list::ListView;
use super::super::reply::{Failed, Layout, html, see};
use super::super::revoke::{RevokePage, chosen, revoked};
use super::super::tokens::Told;
use super::super::view::Row;
use super::account::draw;
use super::{gone, path_of, user_of};

pub(super) async fn confirm(
    Shared(state): Shared<Arc<State>>,
    Path(step): Path<String>,
    posted: Posted,
) -> Result<Response, Failed> {
    let (visitor, user) = (&posted.visitor, user_of(&step));
    let view = ListView::posted(&posted);
    let ids = chosen(&posted);
    let fault = |sentence: &str| Told {
        done: None,
        fault: Some(sentence.to_owned()),
    };
    if ids.is_empty() {
        return draw(&state, visitor, user, &view, fault("Select at least one token."), None).await;
    }
    let found = state.service.listed(user, None, &ids).await.map_err(gone)?;
    if found.is_empty() {
        let told = fault("There are no such API tokens any more. Nothing was revoked.");
        return draw(&state, visitor, user, &view, told, None).await;
    }
    let zone = *state.service.zone();
    let rows: Vec<Row> = found.iter().map(|token| Row::of(zone, token)).collect();
    let base = path_of(visitor, user);
    let title = format!("Revoke API Tokens of {user}");
    let page = RevokePage {
        layout: Layout::of(&state, visitor, &title),
        title: &title,
        csrf: &visitor.csrf,
        action: format!("{base}/revoke"),
        back: view.link(&base, &[]),
        button: "Revoke Selected API Tokens",
        kept: view.kept(),
        gone: ids.len().saturating_sub(rows.len()),
        rows,
    };
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
