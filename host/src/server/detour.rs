//! Functions that call other functions by their parameters: WHM's `uapi_cpanel` and `batch`, UAPI's `Batch::strict`. None of
//! them reaches the service's own functions: the API behind the guard doesn't have them.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::request::Parts;
use serde_json::Value;
use tokenlatch_core::{Call, Value as Strict};

use super::admission::{Admitted, Ended, admit};
use super::body::read_body;
use super::catalogue::{WHM, is_ours};
use super::client::Client;
use super::form::{Form, JSON_INVALID, Kind};
use super::problem::Problem;
use super::threshold::Threshold;

/// How deep a call may be inside others; what is deeper is taken for one of ours.
const MAX_DEPTH: u8 = 4;

/// Our functions have one way to each of them.
pub(super) const ELSEWHERE: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "function_elsewhere",
    "Token functions cannot be called through other functions: use /execute/Tokens at the account port with a token of the account, or /json-api/api_token_list and the like.",
);

/// Whether a function calls others.
pub(super) fn calls_others(module: &str, function: &str) -> bool {
    const CALLERS: [(&str, &str); 3] = [(WHM, "uapi_cpanel"), (WHM, "batch"), ("Batch", "strict")];
    let is = |(of, name): &(&str, &str)| of.eq_ignore_ascii_case(module) && name.eq_ignore_ascii_case(function);
    CALLERS.iter().any(is)
}

/// Reads the request of such a function, and gives it back unless it calls one of ours. The sender chooses how long a body
/// takes, so after one the request is admitted again.
pub(super) async fn checked(
    state: &impl Threshold,
    client: &Client,
    mut parts: Parts,
    call: &Call,
    (admitted, query, body): (Admitted, Form, Body),
) -> Result<(Admitted, Request), Ended> {
    let signed = |problem: Problem| Ended::from(admitted.sign(problem));
    let mut pairs: Vec<(String, Value)> = query.pairs();
    if body.is_end_stream() {
        return match names_ours(&pairs, 0) {
            true => Err(signed(ELSEWHERE)),
            false => Ok((admitted, Request::from_parts(parts, body))),
        };
    }
    let bytes = read_body(body, &state.config().limits).await.map_err(signed)?;
    match Kind::of(&parts.headers).map_err(signed)? {
        // Lists of calls are nested deeper than parameters of ours. What two servers could read differently doesn't go on: a
        // key that is given twice, for one.
        Kind::Json => match (Strict::from_json(&bytes), serde_json::from_slice(&bytes)) {
            (Ok(_), Ok(Value::Object(entries))) => pairs.extend(entries),
            _ => return Err(signed(JSON_INVALID)),
        },
        _ => {
            let mut form = Form::default();
            form.add_body(&parts, bytes.clone()).await.map_err(signed)?;
            pairs.extend(form.pairs());
        }
    }
    if names_ours(&pairs, 0) {
        return Err(signed(ELSEWHERE));
    }
    let admitted = admit(state, client, &parts.headers, call).await?;
    parts.headers.remove(TRANSFER_ENCODING);
    parts.headers.remove(CONTENT_LENGTH);
    Ok((admitted, Request::from_parts(parts, Body::from(bytes))))
}

/// Whether parameters call one of our functions.
pub(super) fn names_ours(pairs: &[(String, Value)], depth: u8) -> bool {
    pairs.iter().any(|(key, value)| {
        let key = key
            .to_ascii_lowercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        match key.as_str() {
            "cpanel_module" | "cpanel_jsonapi_module" => value.as_str().is_some_and(|module| is_ours(module, "")),
            key if key.starts_with("command") => calls_ours(value, depth),
            _ => false,
        }
    })
}

/// Whether a call in a list is one of ours: `function?parameters`, or module, function and parameters as JSON.
fn calls_ours(command: &Value, depth: u8) -> bool {
    if depth >= MAX_DEPTH {
        return true;
    }
    let depth = depth + 1;
    match command {
        Value::String(text) => {
            if let Ok(list @ Value::Array(_)) = serde_json::from_str(text) {
                return calls_ours(&list, depth);
            }
            let (function, query) = text.split_once('?').unwrap_or((text, ""));
            let pairs = || Form::of_query(Some(query)).map(|form| form.pairs());
            is_ours(WHM, function.trim()) || pairs().is_ok_and(|pairs| names_ours(&pairs, depth))
        }
        Value::Array(items) => match items.as_slice() {
            [Value::String(module), Value::String(function), ..] if is_ours(module, function) => true,
            [Value::String(_), Value::String(_), Value::Object(given)] => {
                let pairs: Vec<_> = given.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                names_ours(&pairs, depth)
            }
            items => items.iter().any(|item| calls_ours(item, depth)),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(key: &str, value: Value) -> bool {
        names_ours(&[(key.to_owned(), value)], 0)
    }

    #[test]
    fn calls_of_ours_are_found_however_they_are_listed() {
        for (key, value) in [
            ("cpanel.module", "Tokens"),
            ("cpanel.module", "tokens"),
            ("command", "api_token_list"),
            ("command-0", "api_token_create?token_name=x"),
            ("command", "uapi_cpanel?cpanel.module=Tokens&cpanel.function=list"),
            ("command", "cpanel?cpanel_jsonapi_module=Tokens"),
            ("command", "batch?command=api_token_list"),
            ("command", "batch?command=uapi_cpanel%3Fcpanel.module%3DTokens"),
            ("command", r#"["Tokens","list",{}]"#),
            ("command-3", r#"["Tokens","list"]"#),
            ("command", r#"[["Email","list_pops"],["Tokens","list"]]"#),
            ("command", r#"["Batch","strict",{"command":["Tokens","list"]}]"#),
            ("command", r#"["Batch","strict",{"command-0":"[\"Tokens\",\"list\"]"}]"#),
        ] {
            assert!(names(key, value.into()), "{value}");
        }
        assert!(names(
            "command",
            serde_json::json!([["Email", "list_pops"], ["Tokens", "list", {}]])
        ));
    }

    #[test]
    fn other_calls_are_left_alone() {
        for (key, value) in [
            ("cpanel.module", "Email"),
            ("x", "Tokens"),
            ("command", "createacct?username=tokens&domain=tokens.example"),
            ("command", "listaccts"),
            ("command", r#"["Email","add_pop",{"email":"Tokens"}]"#),
            ("command", r#"["Batch","strict",{"command":["Email","list_pops"]}]"#),
        ] {
            assert!(!names(key, value.into()), "{value}");
        }
    }
}
