//! The dispatcher: finds an operation by name and runs it.

use alloc::string::String;
use alloc::vec::Vec;

use super::create::create;
use super::credentials::credentials;
use super::describe::describe;
use super::identify::identify;
use super::info::{Functions, Info};
use super::list::list;
use super::manageable::manageable;
use super::rename::rename;
use super::revoke::revoke;
use super::update::update;
use super::usage::usage;
use super::validate::validate;
use super::verify::verify;
use crate::auth::catalogue;
use crate::base::error::{Error, ErrorCode};
use crate::dialect::parameters::parameters;
use crate::dialect::reply::reply;
use crate::json::decoder::{Fields, FromValue};
use crate::json::encoder::encode;
use crate::json::value::{Value, check_depth};

/// The largest request in bytes.
pub const MAX_REQUEST_BYTES: usize = 8 << 20;

type Handler = fn(Value) -> Result<Value, Error>;

/// Every operation. The set is closed.
pub(crate) const OPERATIONS: &[(&str, Handler)] = &[
    ("create", |request| encode(&create(&decode(request)?)?)),
    ("credentials", |request| encode(&credentials(&decode(request)?)?)),
    ("describe", |request| encode(&describe(decode(request)?)?)),
    ("functions", |request| {
        nothing(request)?;
        encode(&Functions {
            functions: catalogue::functions(),
        })
    }),
    ("identify", |request| encode(&identify(&decode(request)?)?)),
    ("info", |request| {
        nothing(request)?;
        encode(&info())
    }),
    ("list", |request| encode(&list(decode(request)?)?)),
    ("manageable", |request| encode(&manageable(&decode(request)?)?)),
    ("parameters", |request| parameters(&decode(request)?)),
    ("rename", |request| encode(&rename(decode(request)?)?)),
    ("reply", |request| encode(&reply(decode(request)?)?)),
    ("revoke", |request| encode(&revoke(decode(request)?)?)),
    ("update", |request| encode(&update(decode(request)?)?)),
    ("usage", |request| encode(&usage(&decode(request)?)?)),
    ("validate", |request| encode(&validate(decode(request)?)?)),
    ("verify", |request| encode(&verify(decode(request)?)?)),
];

/// Runs an operation by name.
///
/// # Errors
/// `op_unknown`, and those of the operation.
pub fn call(op: &str, request: Value) -> Result<Value, Error> {
    let Some((_, handler)) = OPERATIONS.iter().find(|(name, _)| *name == op) else {
        return Err(Error::at(
            ErrorCode::OpUnknown,
            "op",
            "there is no operation of that name; `info` lists them",
        ));
    };
    check_depth(&request)?;
    handler(request)
}

/// Runs the operation that a JSON text names in `op`, and returns the answer or the error as JSON text.
#[must_use]
pub fn call_json(request: &[u8]) -> Vec<u8> {
    answer_json(call_text(request))
}

fn call_text(request: &[u8]) -> Result<Value, Error> {
    let mut request = read_json(request)?;
    match request.remove("op") {
        Some(op) => {
            let op = String::from_value(op).map_err(|error| error.under("op"))?;
            call(&op, request)
        }
        None if matches!(request, Value::Object(_)) => Err(Error::missing("op")),
        None => Err(Error::new(
            ErrorCode::TypeInvalid,
            "a request is an object with the key `op`",
        )),
    }
}

/// Parses the text of a request.
///
/// # Errors
/// `request_too_large`, `json_invalid`, `field_duplicate`, `too_deep`.
pub fn read_json(request: &[u8]) -> Result<Value, Error> {
    if request.len() > MAX_REQUEST_BYTES {
        return Err(Error::new(
            ErrorCode::RequestTooLarge,
            "a request may have at most 8 MiB",
        ));
    }
    Value::from_json(request)
}

/// Writes an answer or an error as JSON text.
#[must_use]
pub fn answer_json(answer: Result<Value, Error>) -> Vec<u8> {
    let (key, content) = match answer {
        Ok(answer) => ("ok", answer),
        Err(error) => ("error", error.to_value()),
    };
    let response = Value::Object(Vec::from([(String::from(key), content)]));
    // Only an unsafe number can't be written, and answers hold none. If it fails, the caller gets an empty answer,
    // which can't pass for a good one.
    serde_json::to_vec(&response).unwrap_or_default()
}

/// Describes the module: its version, operations, error codes and reasons.
#[must_use]
pub fn info() -> Info {
    Info::of(OPERATIONS.iter().map(|(name, _)| *name))
}

fn nothing(request: Value) -> Result<(), Error> {
    Fields::of(request)?.finish()
}

fn decode<T: FromValue>(request: Value) -> Result<T, Error> {
    T::from_value(request)
}
