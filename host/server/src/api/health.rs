//! `/health`, `/ready` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokenlatch_core::METRICS_READ;

use crate::auth::authenticate::{EarlyReply, admit, malformed, reply_of};
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::form::Form;
use crate::middleware::client::Client;
use crate::state::State;
use tokenlatch::Error;

/// How long the verifier may take to report that it is ready.
const PATIENCE: Duration = Duration::from_secs(2);

const JSON: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::CACHE_CONTROL, "no-store"),
];

/// A condition for the operator that does not stop the service.
#[derive(Serialize)]
struct Warning {
    code: &'static str,
    message: &'static str,
}

/// `/health`: the process runs.
pub async fn health() -> Response {
    (JSON, r#"{"status":"ok"}"#).into_response()
}

/// `/ready`: a token can be verified now, so the store, the module and the table work.
pub async fn ready(Shared(state): Shared<Arc<State>>) -> Response {
    let store = state.service.store();
    let check = async {
        state.verifier.ready().await?;
        // Logins and changes need a writable store, verification does not.
        Ok::<(), Error>(store.writable().await?)
    };
    match tokio::time::timeout(PATIENCE, check).await {
        Ok(Ok(())) => match (state.verifier.left_out(), state.verifier.went_back()) {
            (0, None) => (JSON, r#"{"status":"ready"}"#).into_response(),
            (0, Some(_)) => {
                // The endpoint is public. That revoked tokens may be valid again is only logged.
                let warning = Warning {
                    code: "store_went_back",
                    message: "the database is older than before; see the log",
                };
                let document = serde_json::json!({"status": "ready", "warnings": [warning]});
                (JSON, document.to_string()).into_response()
            }
            (tokens, _) => {
                tracing::warn!(code = "tokens_left_out", tokens, "not ready");
                let body = format!(r#"{{"status":"unavailable","reason":"tokens_left_out","tokens":{tokens}}}"#);
                (StatusCode::SERVICE_UNAVAILABLE, JSON, body).into_response()
            }
        },
        failed => {
            let database = store.engine().as_str();
            let code = match failed {
                Ok(Err(error)) => {
                    tracing::warn!(code = error.code(), database, "not ready: {error}");
                    error.code()
                }
                _ => {
                    tracing::warn!(code = "ready_timeout", database, "not ready");
                    "ready_timeout"
                }
            };
            // The message may quote the database server, so it is only logged.
            let document = serde_json::json!({"status": "unavailable", "reason": code, "database": database});
            (StatusCode::SERVICE_UNAVAILABLE, JSON, document.to_string()).into_response()
        }
    }
}

/// `/metrics`: the metrics, in the Prometheus text format.
pub(crate) async fn metrics<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    reply_of(figures(state.as_ref(), &client, &parts).await)
}

async fn figures(state: &impl Backend, client: &Client, request: &Parts) -> Result<Response, EarlyReply> {
    let format = [
        (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    if !state.config().metrics_token {
        return Ok((format, state.figures()).into_response());
    }
    if calls::holds_secret(Form::of_query(request.uri.query())?.keys()) {
        return Err(malformed(state).into());
    }
    let call = calls::machine(METRICS_READ, false);
    let admitted = admit(state, client, &request.headers, &call).await?;
    Ok(admitted.sign((format, state.figures())))
}
