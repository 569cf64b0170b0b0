//! The reader of JSON accepts what serde_json accepts, with the same value, up to what it documents: keys occur once, at
//! most 16 levels, and numbers are read exactly or discarded. A value that is written is read as the same value.
#![no_main]

use std::fmt;

use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use tokenlatch_core::{ErrorCode, MAX_SAFE_INTEGER, Value};

const LEVELS: usize = 16;

fuzz_target!(|data: &[u8]| {
    // serde_json gives up at 128 levels.
    let deepest = data.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if deepest > 100 {
        return;
    }
    let ours = Value::from_json(data);
    let theirs = std::str::from_utf8(data)
        .ok()
        .and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    let theirs = theirs.and_then(|raw| read(raw, 0));
    match (ours, theirs) {
        (Ok(ours), Some(Ok(theirs))) => {
            assert!(ours == theirs, "two readings");
            if let Ok(written) = serde_json::to_vec(&ours) {
                // A number that was discarded is written as one that is discarded again.
                assert!(Value::from_json(&written).is_ok_and(|again| again == ours));
            }
        }
        (Err(error), Some(Err(limit))) => assert!(error.code == limit || is_limit(error.code)),
        // It stops at the first limit, before what serde_json refuses.
        (Err(error), None) => assert!(error.code == ErrorCode::JsonInvalid || is_limit(error.code)),
        (Ok(_), _) => panic!("accepted what serde_json refuses, or beyond a limit"),
        (Err(error), Some(Ok(_))) => panic!("refused with {} what serde_json accepts", error.code),
    }
});

fn is_limit(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::FieldDuplicate | ErrorCode::TooDeep)
}

/// Reads a value with serde_json alone. `None` if it is invalid: serde_json examines escapes only when it decodes them.
fn read(raw: &RawValue, level: usize) -> Option<Result<Value, ErrorCode>> {
    let text = raw.get();
    let nested = matches!(text.as_bytes().first(), Some(b'[' | b'{'));
    if nested && level == LEVELS {
        return Some(Err(ErrorCode::TooDeep));
    }
    Some(Ok(match text.as_bytes().first()? {
        b'n' => Value::Null,
        b't' => Value::Bool(true),
        b'f' => Value::Bool(false),
        b'"' => Value::String(serde_json::from_str(text).ok()?),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let mut array = Vec::new();
            let mut limit = None;
            for item in items {
                match read(item, level + 1)? {
                    Ok(item) => array.push(item),
                    Err(code) => limit = limit.or(Some(code)),
                }
            }
            match limit {
                Some(code) => return Some(Err(code)),
                None => Value::Array(array),
            }
        }
        b'{' => {
            let Entries(entries) = serde_json::from_str(text).ok()?;
            let mut object: Vec<(String, Value)> = Vec::new();
            let mut limit = None;
            for (key, item) in entries {
                if object.iter().any(|(known, _)| *known == key) {
                    limit = limit.or(Some(ErrorCode::FieldDuplicate));
                }
                match read(item, level + 1)? {
                    Ok(item) => object.push((key, item)),
                    Err(code) => limit = limit.or(Some(code)),
                }
            }
            match limit {
                Some(code) => return Some(Err(code)),
                None => Value::Object(object),
            }
        }
        _ => number(text),
    }))
}

/// A number, exactly: its digits as text, without the zeros at either end, and where the point is.
fn number(text: &str) -> Value {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Value::Int(0);
    }
    let ending = digits.len() - digits.trim_end_matches('0').len();
    // An exponent that doesn't fit is far beyond any number of digits here.
    let negative_exponent = exponent.starts_with('-');
    let exponent: i64 = exponent
        .parse()
        .unwrap_or(if negative_exponent { i64::MIN / 2 } else { i64::MAX / 2 });
    let zeros = exponent + ending as i64 - fraction.len() as i64;
    if !(0..20).contains(&zeros) || significant.len() > 20 {
        return Value::OtherNumber;
    }
    let value: Option<i64> = format!("{significant}{}", "0".repeat(zeros as usize)).parse().ok();
    match value.filter(|value| *value <= MAX_SAFE_INTEGER) {
        Some(value) => Value::Int(if negative { -value } else { value }),
        None => Value::OtherNumber,
    }
}

/// The entries of an object, repeated keys among them.
struct Entries<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Entries<'t> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(All)
    }
}
