//! The replies of the compatible interfaces, so that no host builds one by hand. CONTRACT.md, 3 to 5.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorCode};
use crate::base::sort::sorted;
use crate::dialect::sentence::{ReplyError, about};
use crate::json::decoder::{Fields, FromValue, words};
use crate::json::value::Value;
use crate::operations::list::check_records;
use crate::token::access::Access;
use crate::token::record::Record;
use crate::token::secret::SecretString;
use crate::verdict::verify::{Headers, Refusal};

/// What a function yielded, and the shape that its reply has.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyRequest {
    /// The interface.
    pub shape: Shape,
    /// The function, for every shape but `denied`; with `code` it may be left out.
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
    /// For a request that was refused before it reached a function: the stable code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For `denied`: 401, 403, 429 or 503. With `code`: 400 to 599.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i64>,
    /// For `denied` with 429 or 503: seconds to wait.
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
            code: fields.optional("code"),
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
    let status = match &request.code {
        Some(_) => refused_status(&request)?,
        None => 200,
    };
    let function = match request.function.as_deref() {
        None if request.code.is_some() => "",
        function => function.ok_or_else(|| Error::missing("function"))?,
    };
    let whm = request.shape == Shape::Whm;
    let known: &[&str] = if whm { WHM } else { UAPI };
    if request.error.is_none() && !known.contains(&function) {
        return Err(unknown());
    }
    let error = request.error.as_ref().map(|error| error.sentence(whm, function));
    let data = match error {
        // A function that failed needs none of the parts of one that succeeded.
        Some(_) => Body::default(),
        None => data(function, &request, whm)?,
    };
    let refusal = request.code.as_deref().zip(error.clone());
    let mut body = match request.shape {
        Shape::Whm => whm_body(function, data, error),
        Shape::Api2 => api2(function, &data, error),
        Shape::UapiCommand => {
            let mut body = Body::default();
            body.raw("{\"apiversion\":3");
            if !function.is_empty() {
                body.raw(",\"func\":").text(function).raw(",\"module\":\"Tokens\"");
            }
            body.raw(",\"result\":");
            uapi(&mut body, function, &data, error, &request.unknown);
            body.raw("}");
            body
        }
        _ => {
            let mut body = Body::default();
            uapi(&mut body, function, &data, error, &request.unknown);
            body
        }
    };
    if let Some((code, error)) = refusal {
        // Beside the envelope, what a problem document says.
        body.0.pop();
        body.raw(",\"detail\":").text(&error);
        body.raw(",\"code\":").text(code).raw("}");
    }
    Ok(Reply {
        status,
        headers: Headers::default().json(),
        body: body.0,
    })
}

/// The status of a request that was refused before it reached a function. Such a refusal has a reason.
fn refused_status(request: &ReplyRequest) -> Result<u16, Error> {
    let status = request.http_status.ok_or_else(|| Error::missing("httpStatus"))?;
    if request.error.is_none() {
        return Err(Error::missing("error"));
    }
    let status = u16::try_from(status).ok().filter(|status| (400..600).contains(status));
    status.ok_or_else(|| {
        Error::at(
            ErrorCode::ValueInvalid,
            "httpStatus",
            "a refusal has a status from 400 to 599",
        )
    })
}

fn denied(request: &ReplyRequest) -> Result<Reply, Error> {
    let wrong = |field, message: &'static str| Error::at(ErrorCode::ValueInvalid, field, message);
    let status = request.http_status.ok_or_else(|| Error::missing("httpStatus"))?;
    let (status, retry_after) = match (status, request.retry_after) {
        (401, None) => (401, None),
        (403, None) => (403, None),
        (503, None) => (503, None),
        (401 | 403, Some(_)) => return Err(wrong("retryAfter", "only status 429 and 503 say when to come back")),
        (429, None) => return Err(Error::missing("retryAfter")),
        (429, Some(seconds)) if seconds >= 1 => (429, Some(seconds)),
        (503, Some(seconds)) if seconds >= 1 => (503, Some(seconds)),
        (429 | 503, Some(_)) => return Err(wrong("retryAfter", "the seconds to wait are a number from 1")),
        _ => return Err(wrong("httpStatus", "a refusal has the status 401, 403, 429 or 503")),
    };
    let Refusal { status, headers, body } = Refusal::of_status(status, retry_after);
    Ok(Reply { status, headers, body })
}

pub(crate) fn unknown() -> Error {
    Error::at(
        ErrorCode::FunctionUnknown,
        "function",
        "the interface has no such function",
    )
}

/// The functions of UAPI and API 2.
const UAPI: &[&str] = &[
    "create_full_access",
    "create_limited",
    "get_addresses",
    "list",
    "rename",
    "revoke",
    "set_addresses",
];

/// The functions of WHM.
const WHM: &[&str] = &[
    "api_token_create",
    "api_token_list",
    "api_token_update",
    "api_token_revoke",
    "api_token_get_details",
];

/// JSON text in the making. It is written out rather than built of values: that would be twice the code.
#[derive(Default)]
struct Body(String);

impl Body {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    fn json(&mut self, value: &Value) -> &mut Self {
        // A value of our own making has nothing that JSON can't write.
        self.raw(&serde_json::to_string(value).unwrap_or_default())
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.json(&Value::String(text.into()))
    }

    fn integer(&mut self, number: Option<i64>) -> &mut Self {
        self.json(&number.map_or(Value::Null, Value::Int))
    }

    /// Items between brackets, or the `entries` of an object between braces.
    fn items<T>(&mut self, brackets: [&str; 2], items: &[T], write: &dyn Fn(&mut Body, &T)) -> &mut Self {
        let [open, close] = brackets;
        self.raw(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw(close)
    }

    fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.items(ARRAY, texts, &|body, text| {
            body.text(text);
        })
    }
}

const ARRAY: [&str; 2] = ["[", "]"];
const OBJECT: [&str; 2] = ["{", "}"];

/// What the function yielded; nothing for a function of WHM that has no data.
fn data(function: &str, request: &ReplyRequest, whm: bool) -> Result<Body, Error> {
    let token = || request.token.as_ref().ok_or_else(|| Error::missing("token"));
    let record = || request.record.as_ref().ok_or_else(|| Error::missing("record"));
    let records = || request.records.as_deref().ok_or_else(|| Error::missing("records"));
    let mut body = Body::default();
    match function {
        "create_full_access" | "create_limited" => {
            let (token, record) = (token()?, record()?);
            body.raw("{\"create_time\":").integer(Some(record.created));
            body.raw(",\"token\":").text(token.expose()).raw("}");
        }
        "get_addresses" => {
            body.texts(&record()?.addresses);
        }
        "list" => {
            body.items(ARRAY, &live(records()?), &|body, record| uapi_token(body, record));
        }
        "revoke" => {
            body.raw("1");
        }
        "api_token_create" => {
            let (token, record) = (token()?, record()?);
            whm_token(&mut body, record, Some(token), ARRAY);
        }
        "api_token_list" => {
            body.raw("{\"tokens\":");
            body.items(OBJECT, &live(records()?), &|body, record| {
                body.text(&record.name).raw(":");
                whm_token(body, record, None, OBJECT);
            });
            body.raw("}");
        }
        "api_token_update" => whm_token(&mut body, record()?, None, ARRAY),
        "api_token_get_details" => {
            if let Some(record) = &request.record {
                whm_token(&mut body, record, None, ARRAY);
            }
        }
        _ if whm => {}
        _ => {
            body.raw("null");
        }
    }
    Ok(body)
}

/// The tokens that a list shows: those not revoked, by name.
fn live(records: &[Record]) -> Vec<&Record> {
    let live: Vec<&Record> = records.iter().filter(|record| record.revoked.is_none()).collect();
    let key = |at: usize| live.get(at).map(|record| (&record.name, &record.id));
    let order = sorted(live.len(), &|a, b| key(a).cmp(&key(b)));
    order.into_iter().filter_map(|at| live.get(at).copied()).collect()
}

fn uapi_token(body: &mut Body, record: &Record) {
    let (full, features) = match &record.access {
        Access::Full => (1, Default::default()),
        Access::Limited { features } => (0, features.as_slice()),
    };
    body.raw("{\"name\":").text(&record.name);
    body.raw(",\"create_time\":").integer(Some(record.created));
    body.raw(",\"expires_at\":").integer(record.expires);
    body.raw(",\"features\":").texts(features);
    body.raw(",\"has_full_access\":").integer(Some(full));
    body.raw(if record.read_only { ",\"readonly\":1}" } else { "}" });
}

fn uapi(body: &mut Body, function: &str, data: &Body, error: Option<String>, unknown: &[String]) {
    let metadata = if function == "list" && error.is_none() {
        "{\"transformed\":1}"
    } else {
        "{}"
    };
    match error {
        None => body.raw("{\"status\":1,\"data\":").raw(&data.0).raw(",\"errors\":null"),
        Some(error) => body.raw("{\"status\":0,\"data\":null,\"errors\":").texts(&[error]),
    };
    body.raw(",\"messages\":null,\"warnings\":");
    if unknown.is_empty() {
        body.raw("null");
    } else {
        body.items(ARRAY, unknown, &|body, key| {
            body.text(&about("", key, " is not known and was ignored."));
        });
    }
    body.raw(",\"metadata\":").raw(metadata).raw("}");
}

fn api2(function: &str, data: &Body, error: Option<String>) -> Body {
    let mut body = Body::default();
    body.raw("{\"cpanelresult\":{\"apiversion\":2");
    if !function.is_empty() {
        body.raw(",\"module\":\"Tokens\",\"func\":").text(function);
    }
    body.raw(",\"data\":");
    match error {
        None => {
            match data.0.as_str() {
                "null" => body.raw("[]"),
                array if array.starts_with('[') => body.raw(array),
                single => body.raw("[").raw(single).raw("]"),
            };
            body.raw(",\"event\":{\"result\":1}}}");
        }
        Some(error) => {
            body.raw("[],\"error\":").text(&error);
            body.raw(",\"event\":{\"result\":0,\"reason\":").text(&error).raw("}}}");
        }
    }
    body
}

fn whm_body(function: &str, data: Body, error: Option<String>) -> Body {
    let mut body = Body::default();
    body.raw("{");
    if !data.0.is_empty() {
        body.raw("\"data\":").raw(&data.0).raw(",");
    }
    body.raw("\"metadata\":{\"command\":").text(function);
    body.raw(",\"reason\":").text(error.as_deref().unwrap_or("OK"));
    body.raw(",\"result\":").raw(if error.is_none() { "1" } else { "0" });
    body.raw(",\"version\":1}}");
    body
}

/// A token of WHM; the privileges in brackets as a list, in braces as an object.
fn whm_token(body: &mut Body, record: &Record, token: Option<&SecretString>, brackets: [&str; 2]) {
    let all = [String::from("all")];
    let acls = match &record.access {
        Access::Full => all.as_slice(),
        Access::Limited { features } => features,
    };
    body.raw("{\"acls\":");
    body.items(brackets, acls, &|body, acl| {
        body.text(acl).raw(if brackets == OBJECT { ":1" } else { "" });
    });
    body.raw(",\"create_time\":").integer(Some(record.created));
    body.raw(",\"expires_at\":").integer(record.expires);
    body.raw(",\"name\":").text(&record.name);
    if let Some(token) = token {
        body.raw(",\"token\":").text(token.expose());
    }
    body.raw(",\"whitelist_ips\":");
    match record.addresses.as_slice() {
        [] => body.raw("null"),
        addresses => body.texts(addresses),
    };
    body.raw("}");
}
