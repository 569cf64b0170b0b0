//! The paths of the two ports.

use axum::Router;
use axum::routing::get;

use super::health;
use super::problem::Problem;
use super::state::State;

/// The account port.
pub fn account_router(state: State) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .fallback(|| async { Problem::NOT_FOUND })
        .with_state(state)
}

/// The administrator's port.
pub fn admin_router(state: State) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { Problem::NOT_FOUND })
        .with_state(state)
}
