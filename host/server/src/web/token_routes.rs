//! The pages of the account port.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::state::State;
use crate::web::{create, revoke, token_detail, tokens};

/// The account port's routes below the session's prefix.
pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/tokens", get(tokens::show).post(create::create))
        .route("/tokens/new", get(create::form))
        .route("/tokens/name", get(create::name))
        .route("/tokens/saved", get(tokens::back).post(create::saved))
        .route("/tokens/revoke", get(tokens::back).post(revoke::revoke))
        .route("/tokens/revoke/confirm", get(tokens::back).post(revoke::confirm))
        .route("/tokens/{id}", get(token_detail::show))
        .route(
            "/tokens/{id}/rename",
            get(token_detail::back).post(token_detail::rename),
        )
}
