//! The typed functions of the JavaScript face, one for each operation of the core.

use tokenlatch_core::{Error, ErrorCode, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Outcome, hand_out, thrown, unwritable};
use crate::reach::{self, Text};
use crate::{clock, entropy, import, zone};

/// The values that this face supplies if the caller leaves them out.
#[derive(Clone, Copy, PartialEq)]
enum Supply {
    Now,
    Entropy,
    Zone,
}

/// Keys whose value `undefined` means that a search found nothing.
const SOUGHT: &[&str] = &["authorization", "record", "account"];

/// Reads the options, supplies missing values, and asks the core.
fn run(op: &str, options: &JsValue, sought: &[&str], supplies: &[Supply]) -> Outcome {
    let answer = import::options(options, sought)
        .and_then(|input| supply(input, supplies))
        .and_then(|input| tokenlatch_core::call(op, input));
    hand_out(answer)
}

/// Adds missing values that this face may supply.
fn supply(input: Value, supplies: &[Supply]) -> Result<Value, Error> {
    let Value::Object(mut entries) = input else {
        return Ok(input);
    };
    for supply in supplies {
        let (key, value) = match supply {
            Supply::Now => ("now", clock::now as fn() -> Result<Value, Error>),
            Supply::Entropy => ("entropy", entropy::fresh as fn() -> Result<Value, Error>),
            Supply::Zone => continue,
        };
        if !entries.iter().any(|(given, _)| given == key) {
            entries.push((String::from(key), value()?));
        }
    }
    let input = Value::Object(entries);
    let zone = match input.get("now") {
        Some(now) if supplies.contains(&Supply::Zone) && input.get("zone").is_none() => {
            zone::local(now, input.get("expires"))
        }
        _ => None,
    };
    match (input, zone) {
        (Value::Object(mut entries), Some(zone)) => {
            entries.push((String::from("zone"), zone));
            Ok(Value::Object(entries))
        }
        (input, _) => Ok(input),
    }
}

/// Creates a token. `now` defaults to the clock, `entropy` to the platform's, and `zone` to the local one.
#[wasm_bindgen(js_name = createToken)]
pub fn create_token(options: &JsValue) -> Outcome {
    run("create", options, &[], &[Supply::Now, Supply::Entropy, Supply::Zone])
}

/// Validates values as the operations that use them do, without any look-up. `now` defaults to the clock, and `zone` to the
/// local one.
#[wasm_bindgen]
pub fn validate(options: &JsValue) -> Outcome {
    run("validate", options, &[], &[Supply::Now, Supply::Zone])
}

/// Parses an `Authorization` header, given in options or as a string.
#[wasm_bindgen(js_name = parseAuthorization)]
pub fn parse_authorization(options: &JsValue) -> Outcome {
    if !options.is_string() {
        return run("identify", options, SOUGHT, &[]);
    }
    let answer = import::options(options, &[]).and_then(|header| {
        let input = Value::Object(vec![(String::from("authorization"), header)]);
        tokenlatch_core::call("identify", input)
    });
    hand_out(answer.map_err(|error| error.under("authorization")))
}

/// Verifies a request. `now` defaults to the clock.
#[wasm_bindgen(js_name = verifyToken)]
pub fn verify_token(options: &JsValue) -> Outcome {
    run("verify", options, SOUGHT, &[Supply::Now])
}

/// Describes a record. `now` defaults to the clock.
#[wasm_bindgen(js_name = describeToken)]
pub fn describe_token(options: &JsValue) -> Outcome {
    run("describe", options, &[], &[Supply::Now])
}

/// Lists records in pages. `now` defaults to the clock.
#[wasm_bindgen(js_name = listTokens)]
pub fn list_tokens(options: &JsValue) -> Outcome {
    run("list", options, &[], &[Supply::Now])
}

/// Renames a record.
#[wasm_bindgen(js_name = renameToken)]
pub fn rename_token(options: &JsValue) -> Outcome {
    run("rename", options, &[], &[])
}

/// Changes a record. `now` defaults to the clock, and `zone` to the local one.
#[wasm_bindgen(js_name = updateToken)]
pub fn update_token(options: &JsValue) -> Outcome {
    run("update", options, &[], &[Supply::Now, Supply::Zone])
}

/// Revokes records. `now` defaults to the clock.
#[wasm_bindgen(js_name = revokeTokens)]
pub fn revoke_tokens(options: &JsValue) -> Outcome {
    run("revoke", options, &[], &[Supply::Now])
}

/// Parses the parameters of a compatible interface.
#[wasm_bindgen(js_name = readParameters)]
pub fn read_parameters(options: &JsValue) -> Outcome {
    run("parameters", options, &[], &[])
}

/// Returns the reply of a compatible interface.
#[wasm_bindgen]
pub fn reply(options: &JsValue) -> Outcome {
    run("reply", options, &[], &[])
}

/// Checks the credentials that an operator chose, and returns the fields to hand over and the challenge.
#[wasm_bindgen]
pub fn credentials(options: &JsValue) -> Outcome {
    run("credentials", options, &[], &[])
}

/// Returns the built-in catalogue of functions.
#[wasm_bindgen]
pub fn functions() -> Outcome {
    run("functions", &JsValue::UNDEFINED, &[], &[])
}

/// Returns the module's versions, operations and codes.
#[wasm_bindgen]
pub fn info() -> Outcome {
    run("info", &JsValue::UNDEFINED, &[], &[])
}

/// Answers a request in JSON text with JSON text, as the plain ABI does. It supplies no missing values.
#[wasm_bindgen(js_name = callJson)]
pub fn call_json(request: &JsValue) -> Outcome<String> {
    // A string with more units than the limit has bytes is too large in any encoding.
    let most = u32::try_from(tokenlatch_core::MAX_REQUEST_BYTES).unwrap_or(u32::MAX);
    let answer = match reach::text(request, most) {
        Some(Text::Whole(text)) => tokenlatch_core::call_json(text.as_bytes()),
        Some(Text::LoneSurrogate) => refusal(Error::new(
            ErrorCode::JsonInvalid,
            "half a surrogate pair stands alone in the text",
        )),
        Some(Text::TooLong) => refusal(import::too_large()),
        None => {
            return Err(thrown(Error::new(
                ErrorCode::TypeInvalid,
                "expected a string of JSON text",
            )));
        }
    };
    String::from_utf8(answer).map_err(|_| thrown(unwritable()))
}

/// Encodes an error as the text of an answer.
fn refusal(error: Error) -> Vec<u8> {
    tokenlatch_core::answer_json(Err(error))
}
