//! From the core's answers to JavaScript values.

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use tokenlatch_core::{Error, ErrorCode, Value};
use wasm_bindgen::JsValue;

use crate::reach;

/// What every exported function gives: an answer, or a thrown string that is the error as JSON text. A thrown string
/// can't be mistaken for an exception of the engine, and the package turns it into a `TokenlatchError`.
pub(crate) type Outcome<T = JsValue> = Result<T, JsValue>;

/// Hands an answer or an error to JavaScript. An answer is plain objects, arrays, strings, numbers, booleans and nulls.
///
/// `JSON.parse` builds it: that defines properties, where an assignment may call a setter if the page or program has tampered
/// with the prototypes, and would take a record's inner key `__proto__` for the prototype.
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

/// Whether an object within has the key `__proto__`.
fn has_prototype_key(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_prototype_key),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| key == "__proto__" || has_prototype_key(value)),
        _ => false,
    }
}

/// An error as it is thrown.
pub(crate) fn thrown(error: Error) -> JsValue {
    let text = serde_json::to_string(&error.to_value());
    JsValue::from_str(&text.unwrap_or_default())
}

/// An answer that has no text: the core's answers all have one.
pub(crate) fn unwritable() -> Error {
    Error::new(ErrorCode::ValueInvalid, "the answer can't be written")
}
