//! The envelopes of replies: UAPI's, API 2's and WHM's. RULES.md, 3 to 5.

use alloc::string::String;

use super::body::{ARRAY, Body};
use super::sentence::about;

pub(crate) fn uapi(body: &mut Body, function: &str, data: &Body, error: Option<String>, unknown: &[String]) {
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

pub(crate) fn api2(function: &str, data: &Body, error: Option<String>) -> Body {
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

pub(crate) fn whm_body(function: &str, data: Body, error: Option<String>) -> Body {
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
