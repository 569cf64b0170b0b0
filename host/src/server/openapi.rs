//! The description of each port in OpenAPI 3.1, from one file.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokenlatch_core::Realm;

use super::problem::Problem;

/// Everything on both ports; `x-ports` of a path says where it is.
const DOCUMENT: &str = include_str!("openapi.json");

static ACCOUNT: LazyLock<Option<String>> = LazyLock::new(|| part(Realm::Account));
static ADMIN: LazyLock<Option<String>> = LazyLock::new(|| part(Realm::Admin));

/// The account port's description.
pub(super) async fn account() -> Response {
    reply(ACCOUNT.as_deref())
}

/// The administrator's.
pub(super) async fn admin() -> Response {
    reply(ADMIN.as_deref())
}

fn reply(document: Option<&'static str>) -> Response {
    let Some(document) = document else {
        return Problem::INTERNAL.into_response();
    };
    let fields = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    (fields, document).into_response()
}

/// The document with the paths of one port.
fn part(realm: Realm) -> Option<String> {
    let port = Value::from(if realm == Realm::Admin { "admin" } else { "account" });
    let mut document: Value = serde_json::from_str(DOCUMENT).ok()?;
    let paths = document.get_mut("paths")?.as_object_mut()?;
    paths.retain(|_, path| {
        let ports = path.as_object_mut().and_then(|path| path.remove("x-ports"));
        ports.is_some_and(|ports| ports.as_array().is_some_and(|ports| ports.contains(&port)))
    });
    Some(document.to_string())
}
