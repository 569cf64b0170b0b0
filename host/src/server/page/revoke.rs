//! Revoking the tokens that were chosen: asked first, then done.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokenlatch_core::Realm;

use super::super::state::State;
use super::form::Posted;
use super::list::ListView;
use super::reply::{Failed, Layout, html, see};
use super::tokens::{Told, table};
use super::view::Row;
use crate::service::Revocation;

/// Asks whether the chosen tokens are to be revoked.
#[derive(Template)]
#[template(path = "revoke.html")]
pub(super) struct RevokePage<'a> {
    /// What is around it.
    pub(super) layout: Layout<'a>,
    /// What is asked.
    pub(super) title: &'a str,
    /// The CSRF value.
    pub(super) csrf: &'a str,
    /// Where the answer goes.
    pub(super) action: String,
    /// Where "Cancel" leads.
    pub(super) back: String,
    /// What the button says.
    pub(super) button: &'static str,
    /// The list to come back to.
    pub(super) kept: Vec<(&'static str, String)>,
    /// The tokens.
    pub(super) rows: Vec<Row>,
    /// How many of the chosen ones are revoked already.
    pub(super) gone: usize,
}

/// The ids that a table sent: those checked, or every one shown where the box in the heading is checked.
pub(super) fn chosen(posted: &Posted) -> Vec<String> {
    let name = if posted.has("all") { "shown" } else { "id" };
    let mut ids: Vec<String> = Vec::new();
    for id in posted.texts(name) {
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    ids
}

pub(super) async fn confirm(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, Failed> {
    let visitor = &posted.visitor;
    state.service.may_manage(&visitor.user).await?;
    let view = ListView::posted(&posted);
    let ids = chosen(&posted);
    let fault = |sentence: &str| Told {
        done: None,
        fault: Some(sentence.to_owned()),
    };
    if ids.is_empty() {
        return table(&state, visitor, &headers, &view, fault("Select at least one token.")).await;
    }
    let found = state.service.listed(&visitor.user, Realm::Account, &ids).await?;
    if found.is_empty() {
        let told = fault("There are no such API tokens any more. Nothing was revoked.");
        return table(&state, visitor, &headers, &view, told).await;
    }
    let zone = *state.service.zone();
    let rows: Vec<Row> = found.iter().map(|token| Row::of(zone, token)).collect();
    let base = visitor.path("/tokens");
    let (title, back, button) = match rows.first() {
        Some(row) if posted.has("one") => (
            format!("Revoke {}", row.name),
            format!("{base}/{}", row.id),
            "Yes, Revoke the Token",
        ),
        _ => (
            "Revoke Selected API Tokens".to_owned(),
            view.link(&base, &[]),
            "Revoke Selected API Tokens",
        ),
    };
    let page = RevokePage {
        layout: Layout::of(&state, visitor, &title),
        title: &title,
        csrf: &visitor.csrf,
        action: format!("{base}/revoke"),
        back,
        button,
        kept: view.kept(),
        gone: ids.len().saturating_sub(rows.len()),
        rows,
    };
    Ok(html(StatusCode::OK, page))
}

pub(super) async fn revoke(Shared(state): Shared<Arc<State>>, posted: Posted) -> Result<Response, Failed> {
    let visitor = &posted.visitor;
    state.service.may_manage(&visitor.user).await?;
    let ids = chosen(&posted);
    let outcome = state.service.revoke_by_ids(&visitor.user, Realm::Account, &ids).await?;
    Ok(see(revoked(
        &ListView::posted(&posted),
        &visitor.path("/tokens"),
        &outcome,
    )))
}

/// The address of a list at a path that says what was revoked.
pub(super) fn revoked(view: &ListView, path: &str, outcome: &Revocation) -> String {
    let (count, gone) = (outcome.revoked.len().to_string(), outcome.unknown.len().to_string());
    let mut more = vec![("done", "revoked"), ("count", count.as_str())];
    if gone != "0" {
        more.push(("gone", gone.as_str()));
    }
    view.link(path, &more)
}
