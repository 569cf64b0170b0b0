//! What a request names: its path, and the parameters that choose a function.

use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode, Uri};
use tokenlatch_core::{Api, Call, Realm};

use super::catalogue::WHM;
use super::problem::Problem;

/// The longest name of a module or a function.
const MAX_NAME: usize = 128;

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

/// The module and the function in `/execute/Module/function`, written plainly.
pub(super) fn execute(path: &str) -> Option<(&str, &str)> {
    let (module, function) = path.strip_prefix("/execute/")?.split_once('/')?;
    (is_name(module) && is_name(function)).then_some((module, function))
}

/// The function in `/json-api/function`.
pub(super) fn json_api(path: &str) -> Option<&str> {
    path.strip_prefix("/json-api/").filter(|function| is_name(function))
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

/// A name that every server reads the same way: nothing that is escaped, or that separates.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain)
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

/// A right of machines, at the administrator's port.
pub(super) fn machine(right: &str, writes: bool) -> Call {
    Call {
        feature: Some(right.to_owned()),
        writes: Some(writes),
        ..nothing(Realm::Admin)
    }
}

/// Nothing is here for those who were let in.
pub(super) const NO_FUNCTION: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "function_unknown",
    "There is no such function here.",
);

/// A path that every server reads the same way: no escape of a plain character or a separator, no empty or dotted step.
pub(super) fn is_plain(uri: &Uri) -> bool {
    let Some(steps) = uri.path().strip_prefix('/') else {
        return false;
    };
    let last = steps.split('/').count() - 1;
    steps.split('/').enumerate().all(|(at, step)| {
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(step).collect();
        let dotted = decoded.starts_with(b".") && decoded.iter().all(|byte| matches!(byte, b'.' | b' ' | b';'));
        let separates = decoded
            .iter()
            .any(|byte| matches!(byte, b'/' | b'\\' | b';') || byte.is_ascii_control());
        let escaped: usize = step.split('%').skip(1).filter(|rest| escapes_plainly(rest)).count();
        (!step.is_empty() || at == last) && !dotted && !separates && escaped == 0
    })
}

/// Whether the two digits after a `%` stand for a character that needs no escape, or are none.
fn escapes_plainly(rest: &str) -> bool {
    let byte = rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    byte.is_none_or(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
}
