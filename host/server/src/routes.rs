//! The routes of each listener.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use crate::api::api2;
use crate::api::forward_auth;
use crate::api::guarded_routes;
use crate::api::health;
use crate::api::openapi;
use crate::api::snapshot;
use crate::api::uapi;
use crate::api::whm;
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::config::Config;
use crate::problem::Problem;
use crate::state::State;
use crate::web;
use tokenlatch_core::Realm;

/// Answers unknown paths of the API in the API's format, instead of the web interface's.
async fn no_page(request: Request, next: Next) -> Response {
    if calls::is_api(request.uri().path()) {
        return Problem::NOT_FOUND.into_response();
    }
    next.run(request).await
}

/// Routes of the account port.
pub fn account_router(state: State) -> Router {
    let state = Arc::new(state);
    Router::new()
        .route("/execute/{module}/{function}", any(uapi::handle::<State>))
        .route("/json-api/cpanel", any(api2::account::<State>))
        .route("/auth", any(forward_auth::account::<State>))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/openapi.json", get(openapi::account))
        .fallback_service(web::router(&state, Realm::Account).layer(from_fn(no_page)))
        .method_not_allowed_fallback(|| async { Problem::METHOD.allowing("GET, HEAD") })
        .with_state(state)
}

/// Routes of the administrator's port.
pub fn admin_router(state: State) -> Router {
    let state = Arc::new(state);
    let router = Router::new()
        .route("/json-api/cpanel", any(api2::admin::<State>))
        .route("/json-api/{function}", any(whm::handle::<State>))
        .route("/auth", any(forward_auth::admin::<State>))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/openapi.json", get(openapi::admin))
        .fallback_service(web::router(&state, Realm::Admin).layer(from_fn(no_page)));
    let router = with_metrics(with_snapshots(router), &state.config);
    closed_to_other_methods(router).with_state(state)
}

/// Routes of the listener for machines.
pub fn snapshot_router(state: State) -> Router {
    let router = Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .fallback(|| async { Problem::NOT_FOUND });
    closed_to_other_methods(with_snapshots(router)).with_state(Arc::new(state))
}

/// Routes of the listener for metrics.
pub(crate) fn metrics_router<T: Backend>(state: Arc<T>) -> Router {
    let router = Router::new()
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics::<T>))
        .fallback(|| async { Problem::NOT_FOUND });
    closed_to_other_methods(router).with_state(state)
}

/// The listener for routes: every path is the API's.
pub(crate) fn guard_router<T: Backend>(state: Arc<T>) -> Router {
    Router::new().fallback(guarded_routes::handle::<T>).with_state(state)
}

fn with_snapshots(router: Router<Arc<State>>) -> Router<Arc<State>> {
    router
        .route("/snapshot", get(snapshot::whole))
        .route("/snapshot/deltas", get(snapshot::deltas))
        .route(
            "/snapshot/usage",
            post(snapshot::usage).fallback(|| async { Problem::METHOD.allowing("POST") }),
        )
}

/// Adds the route for metrics, unless they have their own listener.
pub(crate) fn with_metrics<T: Backend>(router: Router<Arc<T>>, config: &Config) -> Router<Arc<T>> {
    match config.metrics_listen {
        Some(_) => router,
        None => router.route("/metrics", get(health::metrics::<T>)),
    }
}

fn closed_to_other_methods<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.method_not_allowed_fallback(|| async { Problem::METHOD.allowing("GET, HEAD") })
}
