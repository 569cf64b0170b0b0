//! `/health`, `/ready` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::metrics;
use super::state::State;

/// How long the gate may take to say that it is ready.
const PATIENCE: Duration = Duration::from_secs(2);

const JSON: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The process lives.
pub async fn health() -> Response {
    (JSON, r#"{"status":"ok"}"#).into_response()
}

/// A verification could be had now: the store, the module and the table work.
pub async fn ready(Shared(state): Shared<Arc<State>>) -> Response {
    match tokio::time::timeout(PATIENCE, state.gate.ready()).await {
        Ok(Ok(())) => (JSON, r#"{"status":"ready"}"#).into_response(),
        failed => {
            match failed {
                Ok(Err(error)) => tracing::warn!(code = error.code(), "not ready"),
                _ => tracing::warn!(code = "ready_timeout", "not ready"),
            }
            (StatusCode::SERVICE_UNAVAILABLE, JSON, r#"{"status":"unavailable"}"#).into_response()
        }
    }
}

/// The figures, in the text format of Prometheus.
pub async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    let format = [
        (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (format, metrics::render(&state)).into_response()
}
