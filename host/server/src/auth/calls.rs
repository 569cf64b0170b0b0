//! What a request names: its path, and the parameters that select a function.

use axum::http::{Method, StatusCode};
use tokenlatch_core::{Api, Call, Realm};

use crate::guard::catalogue_file::WHM;
use crate::problem::Problem;

pub(crate) use tokenlatch_core::{
    is_api_path as is_api, is_function_name as is_name, json_api_path as json_api, uapi_path as execute,
};

/// Parameters that are tokens or look like them. A secret in a URL ends up in logs and browser histories (ASVS V14.2.1).
const SECRETS: &[&str] = &["token", "authorization"];

/// Allows only GET and POST for calls of functions. HEAD is forwarded, since the API behind the guard answers it. The service's
/// own functions refuse it, because HEAD must not create anything.
pub(crate) fn check_method(method: &Method, is_ours: bool) -> Result<(), Problem> {
    match *method {
        Method::GET | Method::POST => Ok(()),
        Method::HEAD if !is_ours => Ok(()),
        _ if is_ours => Err(Problem::METHOD.allowing("GET, POST")),
        _ => Err(Problem::METHOD.allowing("GET, HEAD, POST")),
    }
}

/// Whether a query has a parameter that no URL may hold.
pub(crate) fn holds_secret<'a>(mut keys: impl Iterator<Item = &'a str>) -> bool {
    keys.any(|key| SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(key)))
}

/// The call of a function.
pub(crate) fn function(api: Api, module: &str, function: &str, realm: Realm) -> Call {
    Call {
        api: Some(api),
        module: Some(module.to_owned()),
        function: Some(function.to_owned()),
        realm: Some(realm),
        ..Call::default()
    }
}

/// The call of an administrator's function.
pub(crate) fn whm(name: &str) -> Call {
    function(Api::Whm, WHM, name, Realm::Admin)
}

/// A call that names no function. The verifier judges it most strictly.
pub(crate) fn nothing(realm: Realm) -> Call {
    Call {
        realm: Some(realm),
        ..Call::default()
    }
}

/// A right for machines, on the administrator's port.
pub(crate) fn machine(right: &str, writes: bool) -> Call {
    Call {
        feature: Some(right.to_owned()),
        writes: Some(writes),
        ..nothing(Realm::Admin)
    }
}

/// The reply to an admitted request whose path has no function.
pub(crate) const NO_FUNCTION: Problem = Problem::new(StatusCode::NOT_FOUND, "function_unknown", "Unknown function.");
