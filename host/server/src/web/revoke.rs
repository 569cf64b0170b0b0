//! Revokes the selected tokens, after a confirmation.

use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokenlatch_core::Realm;

use crate::state::State;
use crate::web::form::Posted;
use crate::web::layout::Layout;
use crate::web::list::ListView;
use crate::web::reply::{Failed, html, redirect_to};
use crate::web::session::Visitor;
use crate::web::tokens::{Flash, table};
use crate::web::view::Row;
use tokenlatch::Error;
use tokenlatch::Revocation;

const SELECTED: &str = "Revoke Selected API Tokens";

/// The confirmation page for revoking the selected tokens.
#[derive(Template)]
#[template(path = "revoke.html")]
pub(crate) struct RevokePage<'a> {
    /// The layout.
    pub(crate) layout: Layout<'a>,
    /// The question.
    pub(crate) title: &'a str,
    /// The CSRF value.
    pub(crate) csrf: &'a str,
    /// Where the form is sent.
    pub(crate) action: String,
    /// Where "Cancel" leads.
    pub(crate) back: String,
    /// The button's text.
    pub(crate) button: &'static str,
    /// The view to return to, as hidden fields.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// The tokens.
    pub(crate) rows: Vec<Row>,
    /// How many of the selected tokens are already revoked.
    pub(crate) gone: usize,
}

impl<'a> RevokePage<'a> {
    /// The confirmation page for tokens that were selected in the list at `base`.
    pub(crate) fn of(
        state: &'a State,
        visitor: &'a Visitor,
        title: &'a str,
        base: &str,
        view: &ListView,
        chosen: Chosen,
    ) -> RevokePage<'a> {
        RevokePage {
            layout: Layout::of(state, visitor, title),
            title,
            csrf: &visitor.csrf,
            action: format!("{base}/revoke"),
            back: view.link(base, &[]),
            button: SELECTED,
            kept: view.kept(),
            rows: chosen.rows,
            gone: chosen.gone,
        }
    }
}

/// The selected tokens.
pub(crate) struct Chosen {
    /// Those that still exist.
    rows: Vec<Row>,
    /// The number of those that no longer exist.
    gone: usize,
}

/// The user's tokens that a table's form selected, or the fault in the selection.
pub(crate) async fn choice(
    state: &State,
    user: &str,
    realm: Option<Realm>,
    posted: &Posted,
) -> Result<Result<Chosen, Flash>, Error> {
    let fault = |sentence: &str| Flash {
        done: None,
        fault: Some(sentence.to_owned()),
    };
    let ids = chosen(posted);
    if ids.is_empty() {
        return Ok(Err(fault("Select at least one token.")));
    }
    let found = state.service.listed(user, realm, &ids).await?;
    if found.is_empty() {
        return Ok(Err(fault(
            "There are no such API tokens any more. Nothing was revoked.",
        )));
    }
    let zone = *state.service.zone();
    Ok(Ok(Chosen {
        gone: ids.len().saturating_sub(found.len()),
        rows: found.iter().map(|token| Row::of(zone, token)).collect(),
    }))
}

/// The ids in a table's form: the checked ones, or all shown ones if the box in the heading is checked.
pub(crate) fn chosen(posted: &Posted) -> Vec<String> {
    let name = if posted.has("all") { "shown" } else { "id" };
    let mut seen = HashSet::new();
    let ids = posted.texts(name).filter(|id| seen.insert(*id));
    ids.map(str::to_owned).collect()
}

pub(crate) async fn confirm(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, Failed> {
    let visitor = &posted.visitor;
    state.service.may_manage(&visitor.user).await?;
    let view = ListView::posted(&posted);
    let chosen = match choice(&state, &visitor.user, Some(Realm::Account), &posted).await? {
        Ok(chosen) => chosen,
        Err(flash) => return table(&state, visitor, &headers, &view, flash).await,
    };
    let base = visitor.path("/tokens");
    // A single token, from its own page.
    let one = chosen.rows.first().filter(|_| posted.has("one"));
    let one = one.map(|row| (format!("Revoke {}", row.name), format!("{base}/{}", row.id)));
    let title = one.as_ref().map_or(SELECTED, |(title, _)| title);
    let mut page = RevokePage::of(&state, visitor, title, &base, &view, chosen);
    if let Some((_, back)) = &one {
        page.back.clone_from(back);
        page.button = "Yes, Revoke the Token";
    }
    Ok(html(StatusCode::OK, page))
}

pub(crate) async fn revoke(Shared(state): Shared<Arc<State>>, posted: Posted) -> Result<Response, Failed> {
    let visitor = &posted.visitor;
    state.service.may_manage(&visitor.user).await?;
    let ids = chosen(&posted);
    let outcome = state.service.revoke_by_ids(&visitor.user, Realm::Account, &ids).await?;
    Ok(redirect_to(revoked(
        &ListView::posted(&posted),
        &visitor.path("/tokens"),
        &outcome,
    )))
}

/// The URL of a list at a path, with a message about the revoked tokens.
pub(crate) fn revoked(view: &ListView, path: &str, outcome: &Revocation) -> String {
    let (count, gone) = (outcome.revoked.len().to_string(), outcome.unknown.len().to_string());
    let mut more = vec![("done", "revoked"), ("count", count.as_str())];
    if gone != "0" {
        more.push(("gone", gone.as_str()));
    }
    view.link(path, &more)
}
