//! Converts JavaScript values to the core's [`Value`]: own enumerable properties only, each read once.

use tokenlatch_core::{Error, ErrorCode, MAX_REQUEST_BYTES, Value};
use wasm_bindgen::JsValue;

use crate::reach::{self, Text, Threw};

/// The deepest nesting of a request, as in JSON.
const MAX_DEPTH: u32 = 16;

/// The largest number of items in one array.
const MAX_ITEMS: f64 = 1_000_000.0;

/// The longest string, in UTF-16 units. Longer ones do not fit in a request of 8 MiB.
const MAX_UNITS: u32 = 8 << 20;

/// Reads a caller's options. `undefined` counts as an empty object. A key with the value `undefined` counts as left out, but
/// as null if it is in `sought`: there the caller passes on a search that found nothing.
pub(crate) fn options(value: &JsValue, sought: &[&str]) -> Result<Value, Error> {
    if value.is_undefined() {
        return Ok(Value::Object(Vec::new()));
    }
    let read = Reader {
        left: MAX_REQUEST_BYTES,
        sought,
    }
    .value(value, 1);
    read.map_err(|error| match error.code {
        // These errors concern the whole request, as they do for JSON.
        ErrorCode::TooDeep | ErrorCode::RequestTooLarge => Error::new(error.code, error.message.clone()),
        _ => error,
    })
}

/// Reads a string.
pub(crate) fn string(value: &JsValue) -> Result<String, Error> {
    match reach::text(value, MAX_UNITS) {
        Some(Text::Whole(text)) => Ok(text),
        Some(Text::LoneSurrogate) => Err(Error::new(
            ErrorCode::ValueInvalid,
            "half a surrogate pair stands alone in the string",
        )),
        Some(Text::TooLong) => Err(too_large()),
        None => Err(wrong_type("expected a string")),
    }
}

/// Reads values and counts their size as compact JSON (a number as one byte), so that both faces refuse about the same requests
/// as too large.
struct Reader<'a> {
    left: usize,
    sought: &'a [&'a str],
}

impl Reader<'_> {
    fn spend(&mut self, bytes: usize) -> Result<(), Error> {
        self.left = self.left.checked_sub(bytes).ok_or_else(too_large)?;
        Ok(())
    }

    fn value(&mut self, value: &JsValue, depth: u32) -> Result<Value, Error> {
        self.spend(1)?;
        if value.is_null() {
            return Ok(Value::Null);
        }
        if let Some(bool) = value.as_bool() {
            return Ok(Value::Bool(bool));
        }
        if let Some(number) = value.as_f64() {
            return if number.is_finite() {
                Ok(Value::number(number))
            } else {
                Err(wrong_type("expected a finite number"))
            };
        }
        if value.is_string() {
            return self.string(value).map(Value::String);
        }
        if value.is_bigint() {
            return big_integer(value);
        }
        if value.is_undefined() || value.is_symbol() || value.is_function() {
            return Err(wrong_type("expected data, got undefined, a symbol or a function"));
        }
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        if reach::is_array(value)? {
            return self.array(value, depth);
        }
        if let Some(bytes) = reach::bytes(value, MAX_UNITS)? {
            self.spend(bytes.len().saturating_mul(2))?;
            return Ok(Value::String(hex(&bytes)));
        }
        if reach::is_plain(value)? {
            return self.object(value, depth);
        }
        Err(wrong_type(
            "expected a plain object; dates, maps and instances of classes aren't taken (a time is whole Unix seconds)",
        ))
    }

    fn string(&mut self, value: &JsValue) -> Result<String, Error> {
        let text = string(value)?;
        self.spend(text.len().saturating_add(1))?;
        Ok(text)
    }

    fn array(&mut self, array: &JsValue, depth: u32) -> Result<Value, Error> {
        let length = reach::property(array, &JsValue::from_str("length"))?;
        let length = length.as_f64().filter(|length| length.fract() == 0.0 && *length >= 0.0);
        let length = length.ok_or_else(|| wrong_type("expected an array"))?;
        if length > MAX_ITEMS {
            return Err(Error::new(
                ErrorCode::RequestTooLarge,
                "an array may have at most 1,000,000 items",
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 0 to 1,000,000"
        )]
        let length = length as u32;
        let mut items = Vec::new();
        for (at, index) in (0..length).enumerate() {
            let item = reach::item(array, index).map_err(Error::from);
            let item = item.and_then(|item| self.value(&item, depth.saturating_add(1)));
            items.push(item.map_err(|error| error.under_index(at))?);
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, object: &JsValue, depth: u32) -> Result<Value, Error> {
        let keys = reach::keys(object)?;
        let mut entries = Vec::new();
        for key in keys.iter() {
            let name = self.string(&key)?;
            let item = reach::property(object, &key).map_err(|threw| Error::from(threw).under(&name))?;
            let item = if !item.is_undefined() {
                self.value(&item, depth.saturating_add(1))
                    .map_err(|error| error.under(&name))?
            } else if depth == 1 && self.sought.contains(&name.as_str()) {
                Value::Null
            } else {
                continue;
            };
            entries.push((name, item));
        }
        Ok(Value::Object(entries))
    }
}

/// Converts a BigInt within ±(2⁵³ − 1) to a number.
fn big_integer(value: &JsValue) -> Result<Value, Error> {
    const SAFE: u64 = (1 << 53) - 1;
    i64::try_from(value.clone())
        .ok()
        .filter(|number| number.unsigned_abs() <= SAFE)
        .map(Value::Int)
        .ok_or_else(|| wrong_type("expected a number, got a BigInt that isn't a safe integer"))
}

/// Encodes bytes as lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn wrong_type(message: &'static str) -> Error {
    Error::new(ErrorCode::TypeInvalid, message)
}

/// Returns the error for a request that exceeds the core's limit.
pub(crate) fn too_large() -> Error {
    Error::new(ErrorCode::RequestTooLarge, "a request may have at most 8 MiB")
}

fn too_deep() -> Error {
    Error::new(ErrorCode::TooDeep, "the request is nested deeper than 16 levels")
}

impl From<Threw> for Error {
    fn from(_: Threw) -> Self {
        Error::new(ErrorCode::ValueInvalid, "reading the value threw an exception")
    }
}
