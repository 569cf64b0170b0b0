//! Snapshots for the JavaScript face. The package's class `Snapshot` holds a handle. Because messages are bytes, it uses the
//! plain ABI and the functions of tables for everything else.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Outcome, hand_out};
use crate::{abi, import, tables};

/// Opens a snapshot.
#[wasm_bindgen(js_name = snapshotNew)]
pub fn snapshot_new(options: &JsValue) -> Outcome {
    hand_out(import::options(options, &[]).and_then(tables::open_snapshot))
}

/// Calls `tokenlatch_snapshot_holder` with the code as a JavaScript number.
#[wasm_bindgen(js_name = snapshotHolder)]
#[expect(clippy::cast_possible_truncation, reason = "a code is a safe integer")]
#[must_use]
pub fn snapshot_holder(snapshot: u32, code: f64, ptr: u32, len: u32) -> u32 {
    abi::tokenlatch_snapshot_holder(snapshot, code as i64, ptr, len)
}
