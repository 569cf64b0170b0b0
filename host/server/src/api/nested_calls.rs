//! Functions that call other functions by their parameters: WHM's `uapi_cpanel` and `batch`, UAPI's `Batch::strict`. They cannot
//! call the service's own functions, since the API behind the guard does not have them.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use serde_json::Value;
use tokenlatch_core::{Call, Value as Strict};

use crate::auth::admitted::Admitted;
use crate::auth::authenticate::{EarlyReply, admit};
use crate::auth::backend::Backend;
use crate::body::read_body;
use crate::form::{Form, JSON, JSON_INVALID, Kind, check_takes_body, replace_body};
use crate::guard::catalogue_file::{WHM, is_ours};
use crate::middleware::client::Client;
use crate::problem::Problem;
use tokenlatch::offload;

/// Maximum depth of nested calls. A deeper call is treated as a call of one of the service's own functions.
const MAX_DEPTH: u8 = 8;

/// The refusal of a nested call of one of the service's own functions, which have one path each.
pub(crate) const ELSEWHERE: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "function_elsewhere",
    "Token functions cannot be called through other functions: use /execute/Tokens at the account port with a token of the account, or /json-api/api_token_list and the like.",
);

/// Reads the request of a function that calls others. Returns the request in one canonical form, or refuses it if it calls one of
/// the service's own functions. The client chooses how long the body takes, so the request is admitted again afterwards.
pub(crate) async fn checked(
    state: &impl Backend,
    client: &Client,
    mut parts: Parts,
    call: &Call,
    (admitted, query, body): (Admitted, Form, Body),
) -> Result<(Admitted, Request), EarlyReply> {
    let signed = |problem: Problem| EarlyReply::from(admitted.sign(problem));
    let has_body = !body.is_end_stream();
    let bytes = read_body(body, &state.config().limits).await.map_err(signed)?;
    let in_query = query.len();
    let mut form = query;
    let (sent, nested) = if bytes.is_empty() {
        (None, None)
    } else if Kind::of(&parts.headers).map_err(signed)? == Kind::Json {
        check_takes_body(&parts.method).map_err(signed)?;
        (Some((JSON, bytes.clone())), Some(bytes))
    } else {
        let kind = form.add_body(&parts, bytes).await.map_err(signed)?;
        (kind.map(|kind| form.body(in_query, kind, |_| true)), None)
    };
    let target = match form.encoded(0, in_query) {
        query if query.is_empty() => parts.uri.path().to_owned(),
        query => format!("{}?{query}", parts.uri.path()),
    };
    let judge = move || calls_ours_in(&form, nested.as_deref());
    let found = match target.len() + sent.as_ref().map_or(0, |(_, body)| body.len()) <= offload::LIGHT {
        true => judge(),
        false => offload::run(judge).await.map_err(|_| signed(Problem::INTERNAL))?,
    };
    if found.map_err(signed)? {
        return Err(signed(ELSEWHERE));
    }
    parts.uri = Uri::try_from(target).map_err(|_| signed(Problem::NOT_FOUND))?;
    let admitted = match has_body {
        true => admit(state, client, &parts.headers, call).await?,
        false => admitted,
    };
    Ok((admitted, replace_body(parts, sent)))
}

/// Whether parameters, and a JSON body with them, call one of the service's own functions.
fn calls_ours_in(form: &Form, body: Option<&[u8]>) -> Result<bool, Problem> {
    let mut pairs = form.pairs();
    if let Some(bytes) = body {
        // Lists of calls are nested deeper than the service's own parameters. A body that two servers could read differently,
        // such as one with a repeated key, is not forwarded.
        match (Strict::from_json(bytes), serde_json::from_slice(bytes)) {
            (Ok(_), Ok(Value::Object(entries))) => pairs.extend(entries),
            _ => return Err(JSON_INVALID),
        }
    }
    Ok(names_ours(&pairs, 0))
}

/// Whether the parameters call one of the service's own functions.
pub(crate) fn names_ours(pairs: &[(String, Value)], depth: u8) -> bool {
    pairs.iter().any(|(key, value)| {
        let key = key
            .to_ascii_lowercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        if key.starts_with("command") {
            return calls_ours(value, depth);
        }
        key.starts_with("cpanel_") && key.contains("module") && value.as_str().is_none_or(|module| is_ours(module, ""))
    })
}

/// Whether a call in a list is one of the service's own functions. A call is `function?parameters`, or module, function and
/// parameters as JSON. A call that cannot be read counts as one.
fn calls_ours(command: &Value, depth: u8) -> bool {
    if depth >= MAX_DEPTH {
        return true;
    }
    let depth = depth + 1;
    match command {
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            serde_json::from_str(text).map_or(true, |list| calls_ours(&list, depth))
        }
        Value::String(text) => {
            let (function, query) = text.split_once('?').unwrap_or((text, ""));
            let query = Form::of_query(Some(query));
            is_ours(WHM, function.trim()) || query.map_or(true, |form| names_ours(&form.pairs(), depth))
        }
        Value::Array(items) => {
            let named = match items.as_slice() {
                [Value::String(module), Value::String(function), ..] => is_ours(module.trim(), function.trim()),
                _ => false,
            };
            named || items.iter().any(|item| calls_ours(item, depth))
        }
        Value::Object(given) => {
            let pairs: Vec<_> = given.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            names_ours(&pairs, depth)
        }
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
    fn finds_nested_calls_of_own_functions() {
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
            // A command that cannot be read counts as one of the service's own functions.
            ("command", "uapi_cpanel?cpanel.module=Tokens&cpanel.function=list&x=%zz"),
            ("command", "uapi_cpanel?x=%zz"),
            ("command", r#"["Email","list_pops""#),
            ("command", r#"["Batch","strict",{"command":["Tokens","list"]},"x"]"#),
            ("command", r#"["Batch","strict","{\"command\":[\"Tokens\",\"list\"]}"]"#),
            ("command", r#"["Batch","strict",{"x":1},{"command":["Tokens","list"]}]"#),
            ("command", r#"[" Tokens ","list"]"#),
            ("cpanel_xmlapi_module", "Tokens"),
            ("cpanel.module[]", "Tokens"),
        ] {
            assert!(names(key, value.into()), "{value}");
        }
        assert!(names(
            "command",
            serde_json::json!([["Email", "list_pops"], ["Tokens", "list", {}]])
        ));
        assert!(names("cpanel.module", serde_json::json!(["Tokens"])));
    }

    #[test]
    fn ignores_nested_calls_of_other_functions() {
        for (key, value) in [
            ("cpanel.module", "Email"),
            ("x", "Tokens"),
            ("command", "createacct?username=tokens&domain=tokens.example"),
            ("command", "listaccts"),
            ("command", r#"["Email","add_pop",{"email":"Tokens"}]"#),
            ("command", r#"["Batch","strict",{"command":["Email","list_pops"]}]"#),
            ("command", r#"["Email","add_pop",{"quota":1.5,"x":null}]"#),
        ] {
            assert!(!names(key, value.into()), "{value}");
        }
    }
}
