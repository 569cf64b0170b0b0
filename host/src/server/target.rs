//! What a request names: its path, and the parameters that choose a function.

use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode, Uri};
use tokenlatch_core::{Api, Call, Realm};

use super::catalogue::WHM;
use super::problem::Problem;

pub(super) use tokenlatch_core::{is_function_name as is_name, json_api_path as json_api, uapi_path as execute};

/// How the number of a session begins in a path, and its most digits.
const SESSION: &str = "/cpsess";
const MAX_DIGITS: usize = 20;

/// Parameters that are tokens, or look as if they were. A secret in a URL ends up in logs and histories (ASVS V14.2.1).
const SECRETS: &[&str] = &["token", "authorization"];

/// Only these methods call functions. To a HEAD the API behind the guard gives its own answer; ours takes none, for it must
/// not create anything.
pub(super) fn check_method(method: &Method, is_ours: bool) -> Result<(), Problem> {
    match *method {
        Method::GET | Method::POST => Ok(()),
        Method::HEAD if !is_ours => Ok(()),
        _ if is_ours => Err(Problem::METHOD.allowing("GET, POST")),
        _ => Err(Problem::METHOD.allowing("GET, HEAD, POST")),
    }
}

/// Whether a query has a parameter that no URL may hold.
pub(super) fn holds_secret<'a>(mut keys: impl Iterator<Item = &'a str>) -> bool {
    keys.any(|key| SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(key)))
}

/// Whether a path is the API's.
pub(super) fn is_api(path: &str) -> bool {
    let below = |root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below("/execute") || below("/json-api")
}

/// The target without the number of a session before a path of the API: some programs write one, as examples of the original
/// do, though they send a token. What it is doesn't matter.
pub(super) fn without_session(target: &Uri) -> Option<Uri> {
    let (digits, rest) = target.path().strip_prefix(SESSION)?.split_once('/')?;
    let sound = (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let path = target.path().get(SESSION.len() + digits.len()..)?;
    if !sound || rest.is_empty() || !is_api(path) {
        return None;
    }
    let path = match target.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    path.ok().map(Uri::from)
}

/// A call of a function.
pub(super) fn function(api: Api, module: &str, function: &str, realm: Realm) -> Call {
    Call {
        api: Some(api),
        module: Some(module.to_owned()),
        function: Some(function.to_owned()),
        realm: Some(realm),
        ..Call::default()
    }
}

/// A call of a function of the administrator's.
pub(super) fn whm(name: &str) -> Call {
    function(Api::Whm, WHM, name, Realm::Admin)
}

/// A call that names nothing: the strictest reading.
pub(super) fn nothing(realm: Realm) -> Call {
    Call {
        realm: Some(realm),
        ..Call::default()
    }
}

/// Nothing is here for those who were let in.
pub(super) const NO_FUNCTION: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "function_unknown",
    "There is no such function here.",
);
