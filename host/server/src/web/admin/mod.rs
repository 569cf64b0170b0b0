//! The administrator's pages: accounts, what they may do, and their tokens.

mod account;
mod accounts;
mod features;
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

/// The paths of the administrator's port behind a session's prefix.
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

/// What of a user a path holds as it is: all of a real one. Others come here out of a path that anybody may have typed.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'@')
    .remove(b'+');

/// The path of an account's page. One that begins with a dot could be taken for a folder, so it has a `~` before it,
/// which no user has.
fn path_of(visitor: &Visitor, user: &str) -> String {
    let guard = if user.starts_with('.') { "~" } else { "" };
    visitor.path(&format!("/accounts/{guard}{}", utf8_percent_encode(user, PLAIN)))
}

/// The user whom a step of a path means.
fn user_of(step: &str) -> &str {
    step.strip_prefix('~').unwrap_or(step)
}

/// What is said where the account has gone meanwhile.
fn gone(error: Error) -> Failed {
    match error {
        Error::Store(StoreError::AccountUnknown(_)) => Failed::Conflict(
            "This account is not there any more, so nothing was changed. It was removed or renamed.".to_owned(),
        ),
        other => other.into(),
    }
}
