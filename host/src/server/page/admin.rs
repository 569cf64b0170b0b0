//! The administrator's page.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::super::state::State;
use super::reply::{Layout, html};
use super::session::Visitor;

/// The paths of the administrator's port behind a session's prefix.
pub(super) fn routes() -> Router<Arc<State>> {
    Router::new().route("/accounts", get(table))
}

#[derive(Template)]
#[template(path = "stub.html")]
struct Table<'a> {
    layout: Layout<'a>,
}

async fn table(Shared(state): Shared<Arc<State>>, visitor: Visitor) -> Response {
    let layout = Layout::of(&state, &visitor, "Accounts");
    html(StatusCode::OK, Table { layout })
}
