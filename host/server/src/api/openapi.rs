//! The OpenAPI 3.1 description of each port, from one file.

use std::sync::{Arc, LazyLock};

use axum::extract::State as Shared;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokenlatch_core::Realm;

use crate::problem::Problem;
use crate::state::State;

/// The description of both ports. `x-ports` lists the ports of a path, `x-when` the feature that must be enabled for it.
const DOCUMENT: &str = include_str!("openapi.json");

static ACCOUNT: LazyLock<Option<String>> = LazyLock::new(|| part(Realm::Account, &[]));
/// The description without options, with snapshots, with metrics, with both.
static ADMIN: [LazyLock<Option<String>>; 4] = [
    LazyLock::new(|| part(Realm::Admin, &[])),
    LazyLock::new(|| part(Realm::Admin, &[SNAPSHOTS])),
    LazyLock::new(|| part(Realm::Admin, &[METRICS])),
    LazyLock::new(|| part(Realm::Admin, &[SNAPSHOTS, METRICS])),
];

/// Values of `x-when`.
const SNAPSHOTS: &str = "snapshots";
const METRICS: &str = "metrics";

/// The account port's description.
pub(crate) async fn account() -> Response {
    reply(ACCOUNT.as_deref())
}

/// The administrator port's description.
pub(crate) async fn admin(Shared(state): Shared<Arc<State>>) -> Response {
    let snapshots = usize::from(state.publisher.is_some());
    let metrics = usize::from(state.config.metrics_listen.is_none());
    reply(
        ADMIN
            .get(snapshots | metrics << 1)
            .and_then(|document| document.as_deref()),
    )
}

fn reply(document: Option<&'static str>) -> Response {
    let Some(document) = document else {
        return Problem::INTERNAL.into_response();
    };
    let fields = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    (fields, document).into_response()
}

/// The part of the document for one port and the enabled features.
fn part(realm: Realm, in_use: &[&str]) -> Option<String> {
    let port = Value::from(if realm == Realm::Admin { "admin" } else { "account" });
    let mut document: Value = serde_json::from_str(DOCUMENT).ok()?;
    let paths = document.get_mut("paths")?.as_object_mut()?;
    paths.retain(|_, path| {
        let Some(path) = path.as_object_mut() else {
            return false;
        };
        let ports = path.remove("x-ports");
        let here = ports.is_some_and(|ports| ports.as_array().is_some_and(|ports| ports.contains(&port)));
        let when = path.remove("x-when");
        let used = when.is_none_or(|when| when.as_str().is_some_and(|when| in_use.contains(&when)));
        here && used
    });
    Some(document.to_string())
}
