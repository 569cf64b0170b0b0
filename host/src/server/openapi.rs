//! The description of each port in OpenAPI 3.1, from one file.

use std::sync::{Arc, LazyLock};

use axum::extract::State as Shared;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokenlatch_core::Realm;

use super::problem::Problem;
use super::state::State;

/// Everything on both ports; `x-ports` of a path says where it is, `x-when` what must be in use for it.
const DOCUMENT: &str = include_str!("openapi.json");

static ACCOUNT: LazyLock<Option<String>> = LazyLock::new(|| part(Realm::Account, false));
static ADMIN: LazyLock<Option<String>> = LazyLock::new(|| part(Realm::Admin, false));
static ORIGIN: LazyLock<Option<String>> = LazyLock::new(|| part(Realm::Admin, true));

/// The account port's description.
pub(super) async fn account() -> Response {
    reply(ACCOUNT.as_deref())
}

/// The administrator's.
pub(super) async fn admin(Shared(state): Shared<Arc<State>>) -> Response {
    let document = if state.publisher.is_some() { &ORIGIN } else { &ADMIN };
    reply(document.as_deref())
}

fn reply(document: Option<&'static str>) -> Response {
    let Some(document) = document else {
        return Problem::INTERNAL.into_response();
    };
    let fields = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    (fields, document).into_response()
}

/// The document with the paths of one port.
fn part(realm: Realm, snapshots: bool) -> Option<String> {
    let port = Value::from(if realm == Realm::Admin { "admin" } else { "account" });
    let mut document: Value = serde_json::from_str(DOCUMENT).ok()?;
    let paths = document.get_mut("paths")?.as_object_mut()?;
    paths.retain(|_, path| {
        let Some(path) = path.as_object_mut() else {
            return false;
        };
        let ports = path.remove("x-ports");
        let here = ports.is_some_and(|ports| ports.as_array().is_some_and(|ports| ports.contains(&port)));
        let always = path.remove("x-when").is_none();
        here && (always || snapshots)
    });
    Some(document.to_string())
}
