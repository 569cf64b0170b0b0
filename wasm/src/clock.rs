//! The JavaScript clock. It is the module's only clock, and only the JavaScript face uses it.

use tokenlatch_core::{Error, ErrorCode, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Date, js_name = now, catch)]
    fn date_now() -> Result<JsValue, JsValue>;
}

/// Returns the current time in whole Unix seconds, rounded down. The core checks whether it is plausible.
pub(crate) fn now() -> Result<Value, Error> {
    date_now()
        .ok()
        .and_then(|milliseconds| milliseconds.as_f64())
        .map(|milliseconds| Value::number((milliseconds / 1000.0).floor()))
        .ok_or_else(|| Error::at(ErrorCode::NowInvalid, "now", "the platform's clock can't be read"))
}
