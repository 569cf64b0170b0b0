//! The local time zone of JavaScript, as the table of transitions that the core expects.
//!
//! JavaScript returns only the offset at an instant. The core needs the offset near two instants, now and the expiry's date, so
//! the table is exact around these two and joins them by one step in between.

use tokenlatch_core::Value;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    type Date;

    #[wasm_bindgen(constructor, catch)]
    fn new(milliseconds: &JsValue) -> Result<Date, JsValue>;

    #[wasm_bindgen(method, js_name = getTimezoneOffset, catch)]
    fn timezone_offset(this: &Date) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, js_name = getTime, catch)]
    fn time(this: &Date) -> Result<JsValue, JsValue>;
}

const DAY: i64 = 86_400;

/// The number of days around an instant that contain its date and the end of that date in any zone.
const AROUND: i64 = 3;

/// Returns the local zone, exact around `now` and around the date in `expires` (if left out, a year from now). `None` if no
/// date must be read or the platform cannot tell; then the core's default applies.
pub(crate) fn local(now: &Value, expires: Option<&Value>) -> Option<Value> {
    let Value::Int(now) = now else { return None };
    let date = match expires {
        None => now.checked_add(366 * DAY)?,
        Some(Value::String(text)) => date(text)?,
        Some(_) => return None,
    };
    let mut instants = Vec::new();
    for centre in [*now.min(&date), *now.max(&date)] {
        for days in -AROUND..=AROUND {
            let instant = centre.checked_add(days.checked_mul(DAY)?)?;
            if instants.last().is_none_or(|last| *last < instant) {
                instants.push(instant);
            }
        }
    }
    table(&instants)
}

/// Returns midnight in UTC of a date text, as JavaScript's `Date` reads it.
fn date(text: &str) -> Option<i64> {
    if text.len() != "YYYY-MM-DD".len() {
        return None;
    }
    let milliseconds = Date::new(&JsValue::from_str(text)).ok()?.time().ok()?.as_f64()?;
    match Value::number((milliseconds / 1000.0).floor()) {
        Value::Int(seconds) => Some(seconds),
        _ => None,
    }
}

/// Returns the table of transitions between neighbours of these increasing instants.
fn table(instants: &[i64]) -> Option<Value> {
    let first = offset(*instants.first()?)?;
    let mut before = first;
    let mut transitions = Vec::new();
    for pair in instants.windows(2) {
        let [from, to] = pair else { continue };
        let after = offset(*to)?;
        if after != before {
            let at = turn(*from, *to, before)?;
            transitions.push(Value::Array(vec![Value::Int(at), Value::Int(after)]));
        }
        before = after;
    }
    Some(Value::Object(vec![
        (String::from("offset"), Value::Int(first)),
        (String::from("transitions"), Value::Array(transitions)),
    ]))
}

/// Returns the first second after `from`, up to `to`, whose offset is not `before`, by bisection.
fn turn(mut from: i64, mut to: i64, before: i64) -> Option<i64> {
    while to.checked_sub(from)? > 1 {
        let middle = from.midpoint(to);
        if offset(middle)? == before {
            from = middle;
        } else {
            to = middle;
        }
    }
    Some(to)
}

/// Returns the offset in seconds east of UTC at an instant. JavaScript counts minutes west.
fn offset(instant: i64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "an instant of the calendar is far below 2^53")]
    let milliseconds = instant.checked_mul(1000)? as f64;
    let minutes = Date::new(&JsValue::from_f64(milliseconds))
        .ok()?
        .timezone_offset()
        .ok()?
        .as_f64()?;
    match Value::number((minutes * -60.0).round()) {
        Value::Int(seconds) => Some(seconds),
        _ => None,
    }
}
