//! The administrator's pages: accounts, their features, and their tokens.

mod account;
mod accounts;
mod features;
mod features_form;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::state::State;
use crate::web::reply::Failed;
use crate::web::session::Visitor;
use tokenlatch::Error;
use tokenlatch::StoreError;

/// The administrator port's routes below a session's prefix.
pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/accounts", get(accounts::show))
        .route("/accounts/{user}", get(account::show))
        .route("/accounts/{user}/features", get(account::back).post(features::replace))
        .route("/accounts/{user}/suspend", get(account::ask).post(account::suspend))
        .route("/accounts/{user}/resume", get(account::back).post(account::resume))
        .route(
            "/accounts/{user}/revoke/confirm",
            get(account::back).post(tokens::confirm),
        )
        .route("/accounts/{user}/revoke", get(account::back).post(tokens::revoke))
}

/// Characters of a user name that a path need not escape: all those of valid names. Other names come from typed paths.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'@')
    .remove(b'+');

/// The path of an account's page. A name that starts with a dot could be taken for a folder, so it gets a leading `~`, which no
/// user name has.
fn path_of(visitor: &Visitor, user: &str) -> String {
    let guard = if user.starts_with('.') { "~" } else { "" };
    visitor.path(&format!("/accounts/{guard}{}", utf8_percent_encode(user, PLAIN)))
}

/// The user name in a path segment.
fn user_of(step: &str) -> &str {
    step.strip_prefix('~').unwrap_or(step)
}

/// Message for an account that was deleted meanwhile.
fn gone(error: Error) -> Failed {
    match error {
        Error::Store(StoreError::AccountUnknown(_)) => {
            Failed::Conflict("This account was removed or renamed, so nothing was changed.".to_owned())
        }
        other => other.into(),
    }
}
