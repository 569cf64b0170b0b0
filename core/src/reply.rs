//! The replies of the compatible interfaces, so that no host builds one by hand. CONTRACT.md, 3 to 5.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::decode::{Fields, FromValue, words};
use crate::error::{Error, ErrorCode};
use crate::list::check_records;
use crate::order::sorted;
use crate::record::Record;
use crate::secret::SecretString;
use crate::sentence::{ReplyError, about};
use crate::value::Value;
use crate::verify::{Headers, Refusal};

/// What a function yielded, and the shape that its reply has.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyRequest {
    /// The interface.
    pub shape: Shape,
    /// The function, for every shape but `denied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The new token's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// The token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// The tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<Record>>,
    /// Why the function failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ReplyError>,
    /// Keys that the function doesn't have: the UAPI shapes warn of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// For `denied`: 401, 403 or 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i64>,
    /// For `denied` with 429: seconds to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<i64>,
}

impl FromValue for ReplyRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = ReplyRequest {
            shape: fields.required("shape"),
            function: fields.optional("function"),
            token: fields.optional("token"),
            record: fields.optional("record"),
            records: fields.optional("records"),
            error: fields.optional("error"),
            unknown: fields.or("unknown", Vec::new()),
            http_status: fields.optional("httpStatus"),
            retry_after: fields.optional("retryAfter"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// An interface whose replies are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// UAPI over HTTP: flat.
    Uapi,
    /// UAPI at the command line: nested.
    UapiCommand,
    /// cPanel API 2.
    Api2,
    /// WHM API 1.
    Whm,
    /// A refusal.
    #[default]
    Denied,
}

words!(Shape, "`uapi`, `uapiCommand`, `api2`, `whm` or `denied`", {
    "uapi" => Shape::Uapi,
    "uapiCommand" => Shape::UapiCommand,
    "api2" => Shape::Api2,
    "whm" => Shape::Whm,
    "denied" => Shape::Denied,
});

/// An HTTP reply. The body of a creation holds the new token: it is for the one who asked, and for no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: String,
}

impl core::fmt::Debug for Reply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Builds a reply.
///
/// # Errors
/// `function_unknown`, `field_missing`, `value_invalid`, and those of a spoilt record.
pub fn reply(request: ReplyRequest) -> Result<Reply, Error> {
    if let Some(record) = &request.record {
        record.check().map_err(|error| error.under("record"))?;
    }
    check_records(request.records.as_deref().unwrap_or_default())?;
    if request.shape == Shape::Denied {
        return denied(&request);
    }
    let function = request.function.clone().ok_or_else(|| Error::missing("function"))?;
    let whm_shape = request.shape == Shape::Whm;
    let error = request.error.as_ref().map(|error| error.sentence(whm_shape, &function));
    let body = match request.shape {
        Shape::Whm => whm(&function, request, error)?,
        shape => {
            let data = uapi_data(&function, &request)?;
            let warnings = warnings(&request.unknown);
            match shape {
                Shape::Api2 => api2(&function, data, error),
                Shape::UapiCommand => object(vec![
                    ("apiversion", Value::Int(3)),
                    ("func", text(&function)),
                    ("module", text("Tokens")),
                    ("result", uapi(&function, data, error, warnings)),
                ]),
                _ => uapi(&function, data, error, warnings),
            }
        }
    };
    Ok(Reply {
        status: 200,
        headers: Headers::default().json(),
        // A value of our own making has nothing that JSON can't write.
        body: serde_json::to_string(&body).unwrap_or_default(),
    })
}

fn denied(request: &ReplyRequest) -> Result<Reply, Error> {
    let wrong = |field, message: &'static str| Error::at(ErrorCode::ValueInvalid, field, message);
    let status = request.http_status.ok_or_else(|| Error::missing("httpStatus"))?;
    let (status, retry_after) = match (status, request.retry_after) {
        (401, None) => (401, None),
        (403, None) => (403, None),
        (401 | 403, Some(_)) => return Err(wrong("retryAfter", "only status 429 says when to come back")),
        (429, None) => return Err(Error::missing("retryAfter")),
        (429, Some(seconds)) if seconds >= 1 => (429, Some(seconds)),
        (429, Some(_)) => return Err(wrong("retryAfter", "the seconds to wait are a number from 1")),
        _ => return Err(wrong("httpStatus", "a refusal has the status 401, 403 or 429")),
    };
    let Refusal { status, headers, body } = Refusal::of_status(status, retry_after);
    Ok(Reply { status, headers, body })
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn integer(number: Option<i64>) -> Value {
    number.map_or(Value::Null, Value::Int)
}

fn strings(list: &[String]) -> Value {
    Value::Array(list.iter().map(|item| text(item)).collect())
}

/// Not generic over the number of entries: each would be in the module once more.
fn object(entries: Vec<(&str, Value)>) -> Value {
    let named = entries.into_iter().map(|(key, value)| (key.to_string(), value));
    Value::Object(named.collect())
}

/// One sentence for each key.
fn warnings(unknown: &[String]) -> Value {
    let told = |key: &String| Value::String(about("", key, " is not known and was ignored."));
    match unknown {
        [] => Value::Null,
        keys => Value::Array(keys.iter().map(told).collect()),
    }
}

pub(crate) fn unknown() -> Error {
    Error::at(
        ErrorCode::FunctionUnknown,
        "function",
        "the interface has no such function",
    )
}

const UAPI: &[&str] = &[
    "create_full_access",
    "create_limited",
    "list",
    "rename",
    "revoke",
    "set_addresses",
];

/// A function that failed needs none of the parts of one that succeeded.
fn uapi_data(function: &str, request: &ReplyRequest) -> Result<Value, Error> {
    let known = UAPI.contains(&function);
    if known && request.error.is_some() {
        return Ok(Value::Null);
    }
    match function {
        "create_full_access" | "create_limited" => {
            let token = request.token.as_ref().ok_or_else(|| Error::missing("token"))?;
            let record = request.record.as_ref().ok_or_else(|| Error::missing("record"))?;
            Ok(object(vec![
                ("create_time", Value::Int(record.created)),
                ("token", text(token.expose())),
            ]))
        }
        "list" => {
            let records = request.records.as_deref().ok_or_else(|| Error::missing("records"))?;
            Ok(Value::Array(live(records).into_iter().map(uapi_token).collect()))
        }
        "rename" | "set_addresses" => Ok(Value::Null),
        "revoke" => Ok(Value::Int(1)),
        _ => Err(unknown()),
    }
}

/// The tokens that a list shows: those not revoked, by name.
fn live(records: &[Record]) -> Vec<&Record> {
    let live: Vec<&Record> = records.iter().filter(|record| record.revoked.is_none()).collect();
    let key = |at: usize| live.get(at).map(|record| (&record.name, &record.id));
    let order = sorted(live.len(), &|a, b| key(a).cmp(&key(b)));
    order.into_iter().filter_map(|at| live.get(at).copied()).collect()
}

fn uapi_token(record: &Record) -> Value {
    let (full, features) = match &record.access {
        Access::Full => (1, Value::Array(Vec::new())),
        Access::Limited { features } => (0, strings(features)),
    };
    let mut token = vec![
        ("name", text(&record.name)),
        ("create_time", Value::Int(record.created)),
        ("expires_at", integer(record.expires)),
        ("features", features),
        ("has_full_access", Value::Int(full)),
    ];
    if record.read_only {
        token.push(("readonly", Value::Int(1)));
    }
    object(token)
}

fn uapi(function: &str, data: Value, error: Option<String>, warnings: Value) -> Value {
    let metadata = if function == "list" && error.is_none() {
        object(vec![("transformed", Value::Int(1))])
    } else {
        object(vec![])
    };
    object(vec![
        ("status", Value::Int(i64::from(error.is_none()))),
        ("data", data),
        ("errors", error.map_or(Value::Null, |error| strings(&[error]))),
        ("messages", Value::Null),
        ("warnings", warnings),
        ("metadata", metadata),
    ])
}

fn api2(function: &str, data: Value, error: Option<String>) -> Value {
    let data = match data {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        single => vec![single],
    };
    let mut result = vec![
        ("apiversion", Value::Int(2)),
        ("module", text("Tokens")),
        ("func", text(function)),
        ("data", Value::Array(data)),
    ];
    let event = match error {
        None => object(vec![("result", Value::Int(1))]),
        Some(error) => {
            result.push(("error", text(&error)));
            object(vec![("result", Value::Int(0)), ("reason", text(&error))])
        }
    };
    result.push(("event", event));
    object(vec![("cpanelresult", object(result))])
}

fn whm(function: &str, request: ReplyRequest, error: Option<String>) -> Result<Value, Error> {
    let data = match function {
        "api_token_create" | "api_token_list" | "api_token_update" | "api_token_revoke" | "api_token_get_details"
            if error.is_some() =>
        {
            None
        }
        "api_token_create" => {
            let token = request.token.ok_or_else(|| Error::missing("token"))?;
            let record = request.record.ok_or_else(|| Error::missing("record"))?;
            Some(whm_token(&record, whm_acls(&record.access), Some(&token)))
        }
        "api_token_update" => {
            let record = request.record.ok_or_else(|| Error::missing("record"))?;
            Some(whm_token(&record, whm_acls(&record.access), None))
        }
        "api_token_get_details" => request
            .record
            .map(|record| whm_token(&record, whm_acls(&record.access), None)),
        "api_token_list" => {
            let records = request.records.ok_or_else(|| Error::missing("records"))?;
            let tokens = live(&records)
                .into_iter()
                .map(|record| {
                    (
                        record.name.clone(),
                        whm_token(record, whm_acl_map(&record.access), None),
                    )
                })
                .collect();
            Some(object(vec![("tokens", Value::Object(tokens))]))
        }
        "api_token_revoke" => None,
        _ => return Err(unknown()),
    };
    let metadata = object(vec![
        ("command", text(function)),
        ("reason", text(error.as_deref().unwrap_or("OK"))),
        ("result", Value::Int(i64::from(error.is_none()))),
        ("version", Value::Int(1)),
    ]);
    Ok(match data {
        None => object(vec![("metadata", metadata)]),
        Some(data) => object(vec![("data", data), ("metadata", metadata)]),
    })
}

fn acls(access: &Access) -> Vec<String> {
    match access {
        Access::Full => vec!["all".into()],
        Access::Limited { features } => features.clone(),
    }
}

fn whm_acls(access: &Access) -> Value {
    strings(&acls(access))
}

fn whm_acl_map(access: &Access) -> Value {
    Value::Object(acls(access).into_iter().map(|acl| (acl, Value::Int(1))).collect())
}

fn whm_token(record: &Record, acls: Value, token: Option<&SecretString>) -> Value {
    let mut entries = vec![
        ("acls", acls),
        ("create_time", Value::Int(record.created)),
        ("expires_at", integer(record.expires)),
        ("name", text(&record.name)),
    ];
    if let Some(token) = token {
        entries.push(("token", text(token.expose())));
    }
    let addresses = match record.addresses.as_slice() {
        [] => Value::Null,
        addresses => strings(addresses),
    };
    entries.push(("whitelist_ips", addresses));
    object(entries)
}
