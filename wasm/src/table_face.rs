//! Tables for the JavaScript face. The package's class `TokenTable` holds a handle and calls these functions.
//!
//! They take a handle, and are not methods of an exported struct, because reading options runs the caller's getters: a getter
//! that calls the same table again, or frees it, must not find anything borrowed.

use tokenlatch_core::{Error, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Outcome, hand_out, thrown};
use crate::{abi, import, tables};

/// Reads options. Nothing is borrowed while the caller's getters run.
fn read(options: &JsValue) -> Result<Value, Error> {
    import::options(options, &[])
}

/// Loads a table.
#[wasm_bindgen(js_name = tableNew)]
pub fn table_new(options: &JsValue) -> Outcome {
    hand_out(read(options).and_then(tables::open))
}

/// Changes a table. Also returns which cached verdicts of the package are outdated.
#[wasm_bindgen(js_name = tableUpdate)]
pub fn table_update(table: u32, options: &JsValue) -> Outcome {
    hand_out(read(options).and_then(|update| tables::update(table, update, true)))
}

/// Prepares a call in a table and returns its number.
#[wasm_bindgen(js_name = tablePrepare)]
pub fn table_prepare(table: u32, call: &JsValue) -> Outcome {
    hand_out(read(call).and_then(|call| tables::prepare(table, call)))
}

/// Calls `tokenlatch_table_route`; the number is a JavaScript number.
#[wasm_bindgen(js_name = tableRoute)]
#[expect(clippy::cast_precision_loss, reason = "call numbers have 32 bits")]
#[must_use]
pub fn table_route(table: u32, realm: u32, ptr: u32, len: u32, method_len: u32) -> f64 {
    abi::tokenlatch_table_route(table, realm, ptr, len, method_len) as f64
}

/// Calls `tokenlatch_table_verify` with the time and the code as JavaScript numbers. A 64-bit integer would be passed as a
/// BigInt, which costs more than the search. Codes are far below 2⁵³.
#[wasm_bindgen(js_name = tableVerify)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the package sends safe integers, the cast saturates for anything else, and codes are below 2^38"
)]
#[must_use]
pub fn table_verify(
    table: u32,
    call: u32,
    authorization_ptr: u32,
    authorization_len: u32,
    address_ptr: u32,
    address_len: u32,
    now: f64,
) -> f64 {
    let authorization = (authorization_ptr, authorization_len);
    abi::verify(table, call, authorization, (address_ptr, address_len), now as i64) as f64
}

/// Calls `tokenlatch_table_verify_fields`, with numbers as `tableVerify` has them.
#[wasm_bindgen(js_name = tableVerifyFields)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as in `table_verify`"
)]
#[must_use]
pub fn table_verify_fields(
    table: u32,
    call: u32,
    fields_ptr: u32,
    fields_len: u32,
    address_ptr: u32,
    address_len: u32,
    now: f64,
) -> f64 {
    let now = now as i64;
    abi::tokenlatch_table_verify_fields(table, call, fields_ptr, fields_len, address_ptr, address_len, now) as f64
}

/// Verifies strings of any length and content. A value that is not text is an error at its field, as in `verifyToken`.
#[wasm_bindgen(js_name = tableVerifyText)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as in `table_verify`"
)]
pub fn table_verify_text(table: u32, call: u32, authorization: &JsValue, address: &JsValue, now: f64) -> Outcome<f64> {
    let text = |value: &JsValue, field: &str| import::string(value).map_err(|error| thrown(error.under(field)));
    let authorization = text(authorization, "authorization")?;
    let address = text(address, "address")?;
    let address = Some(address.as_bytes()).filter(|address| !address.is_empty());
    Ok(tables::verify(table, call, authorization.as_bytes(), address, now as i64) as f64)
}

/// Returns the verdict of a code of `tableVerify`.
#[wasm_bindgen(js_name = tableVerdict)]
#[expect(clippy::cast_possible_truncation, reason = "a code is a safe integer")]
pub fn table_verdict(table: u32, code: f64) -> Outcome {
    hand_out(tables::verdict(table, code as i64))
}

/// Forgets every prepared call but number 0.
#[wasm_bindgen(js_name = tableForgetCalls)]
pub fn table_forget_calls(table: u32) {
    tables::forget_calls(table);
}

/// Drops a table.
#[wasm_bindgen(js_name = tableFree)]
pub fn table_free(table: u32) {
    tables::close(table);
}
