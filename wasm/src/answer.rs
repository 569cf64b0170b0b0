//! Converts the core's answers to JavaScript values.

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use tokenlatch_core::{Error, ErrorCode, Value};
use wasm_bindgen::JsValue;

use crate::reach;

/// The result of every exported function: an answer, or a thrown string with the error as JSON text. A thrown string cannot
/// be mistaken for an exception of the engine, and the package turns it into a `TokenlatchError`.
pub(crate) type Outcome<T = JsValue> = Result<T, JsValue>;

/// Converts an answer or an error to JavaScript. An answer consists of plain objects, arrays, strings, numbers, booleans and
/// nulls.
///
/// It is built by `JSON.parse`, which defines properties. An assignment could call a setter if the page or program has tampered
/// with the prototypes, and would set the prototype for a record's inner key `__proto__`.
pub(crate) fn hand_out(answer: Result<Value, Error>) -> Outcome {
    let answer = answer.map_err(thrown)?;
    let object = if reach::assignment_defines() && !has_prototype_key(&answer) {
        answer.serialize(&Serializer::json_compatible()).ok()
    } else {
        let text = serde_json::to_string(&answer).ok();
        text.and_then(|text| js_sys::JSON::parse(&text).ok())
    };
    object.ok_or_else(|| thrown(unwritable()))
}

/// Whether an object inside has the key `__proto__`.
fn has_prototype_key(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_prototype_key),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| key == "__proto__" || has_prototype_key(value)),
        _ => false,
    }
}

/// Converts an error to the value to throw.
pub(crate) fn thrown(error: Error) -> JsValue {
    let text = serde_json::to_string(&error.to_value());
    JsValue::from_str(&text.unwrap_or_default())
}

/// Returns the error for an answer without text. The core's answers always have one.
pub(crate) fn unwritable() -> Error {
    Error::new(ErrorCode::ValueInvalid, "the answer can't be written")
}
