//! The JavaScript clock: the only clock of this workspace's module, and only for callers of the JavaScript face.

use tokenlatch_core::{Error, ErrorCode, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Date, js_name = now, catch)]
    fn date_now() -> Result<JsValue, JsValue>;
}

/// The present time in whole Unix seconds, rounded down. Whether it can be a present time is the core's to say.
pub(crate) fn now() -> Result<Value, Error> {
    date_now()
        .ok()
        .and_then(|milliseconds| milliseconds.as_f64())
        .map(|milliseconds| Value::number((milliseconds / 1000.0).floor()))
        .ok_or_else(|| Error::at(ErrorCode::NowInvalid, "now", "the platform's clock can't be read"))
}
