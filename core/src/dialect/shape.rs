//! The compatible interfaces, by the shape of their replies.

use serde::Serialize;

use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::words;

/// An interface, by the shape of its replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// UAPI over HTTP, with a flat envelope.
    Uapi,
    /// UAPI on the command line, with a nested envelope.
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

/// The error for a function that the interface doesn't have.
pub(crate) fn function_unknown() -> Error {
    Error::at(
        ErrorCode::FunctionUnknown,
        "function",
        "the interface has no such function",
    )
}
