//! Replies of the compatible interfaces. RULES.md, 3 to 5.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::body::Body;
use super::data::{Outcome, data, has_function};
use super::envelope::{api2, uapi, whm_body};
use super::sentence::ReplyError;
use super::shape::{Shape, function_unknown};
use crate::auth::credentials::Credentials;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::record::{Record, check_records};
use crate::token::secret::SecretString;
use crate::verdict::refusal::{Headers, Refusal};

/// The result of a function, and the interface that it is for.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyRequest {
    /// The interface.
    pub shape: Shape,
    /// The function, for every shape but `denied`; optional with `code`.
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
    /// Keys that the function doesn't have: the UAPI shapes warn about them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// For a request refused before it reached a function: the stable code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For `denied`: 401, 403, 429 or 503. With `code`: 400 to 599.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i64>,
    /// For `denied` with 429 or 503: seconds to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<i64>,
    /// For `denied`: the credentials that are accepted; the usual ones if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<String>>,
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
            credentials: fields.optional("credentials"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// An HTTP reply. The body of a creation holds the new token; don't log it. `Debug` doesn't show it.
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
/// `function_unknown`, `field_missing`, `value_invalid`, and those of an invalid record.
pub fn reply(request: ReplyRequest) -> Result<Reply, Error> {
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
    if request.error.is_none() && !has_function(whm, function) {
        return Err(function_unknown());
    }
    if let Some(record) = &request.record {
        record.check().map_err(|error| error.under("record"))?;
    }
    check_records(request.records.as_deref().unwrap_or_default())?;
    let error = request.error.as_ref().map(|error| error.sentence(whm, function));
    let outcome = Outcome {
        token: request.token.as_ref(),
        record: request.record.as_ref(),
        records: request.records.as_deref(),
    };
    let data = match error {
        // A failed function needs no parts of a result.
        Some(_) => Body::default(),
        None => data(function, outcome, whm)?,
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
        // The members of a problem document (RFC 9457), beside the envelope.
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

/// The status of a request that was refused before it reached a function. Such a refusal needs an error.
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
    let accepted = Credentials::read(request.credentials.as_deref())?;
    let Refusal { status, headers, body } = Refusal::of_status(status, retry_after, &accepted);
    Ok(Reply { status, headers, body })
}
