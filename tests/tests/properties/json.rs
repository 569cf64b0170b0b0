//! Compares the core's JSON parser with serde_json.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use tokenlatch_core::{ErrorCode, Value as Read, encode};

use crate::ask::cases;

/// Pieces of texts, valid and invalid.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"b\":",
    "null",
    "true",
    "false",
    "nul",
    "0",
    "-",
    "1",
    "9007199254740991",
    "9007199254740992",
    "1800000000",
    ".",
    ".0",
    ".5",
    "e",
    "E3",
    "e-2",
    "+",
    " ",
    "\n",
    "\t",
    "\u{b}",
    "\\",
    "\\n",
    "\\u",
    "\\u00e9",
    "\\ud83d",
    "\\udd11",
    "\u{e9}",
    "\u{1f511}",
    "\u{0}",
    "\u{7f}",
    "//",
    "1e400",
    "00",
];

/// The text as parsed by serde_json, but without its rounding of numbers.
fn model(raw: &RawValue) -> serde_json::Result<Value> {
    let text = raw.get();
    Ok(match text.as_bytes()[0] {
        b'[' => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(text)?;
            items.iter().map(|item| model(item)).collect::<Result<_, _>>()?
        }
        b'{' => {
            let entries: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text)?;
            let entries = entries.into_iter().map(|(key, raw)| Ok((key, model(&raw)?)));
            Value::Object(entries.collect::<serde_json::Result<_>>()?)
        }
        b'-' | b'0'..=b'9' => whole(text).map_or(OTHER_NUMBER, Value::from),
        _ => serde_json::from_str(text)?,
    })
}

/// The core's parser returns this for a number that is not a safe integer.
const OTHER_NUMBER: Value = Value::String(String::new());

/// The number of a text, if it is a safe integer, from its digits alone.
fn whole(text: &str) -> Option<i64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{behind}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() || significant == "-" {
        return Some(0);
    }
    let zeros = digits.len() - significant.len();
    let places = exponent.parse::<i64>().ok()? + i64::try_from(zeros).unwrap() - i64::try_from(behind.len()).unwrap();
    let factor = 10_i64.checked_pow(u32::try_from(places).ok()?)?;
    let number = significant.parse::<i64>().ok()?.checked_mul(factor)?;
    (number.abs() <= 9_007_199_254_740_991).then_some(number)
}

/// The core's result in the model's types.
fn plain(read: &Read) -> Value {
    match read {
        Read::Array(items) => items.iter().map(plain).collect(),
        Read::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.to_string(), plain(value)))
            .collect(),
        Read::OtherNumber => OTHER_NUMBER,
        other => serde_json::to_value(other).unwrap(),
    }
}

fn agrees(text: &[u8]) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_slice::<Box<RawValue>>(text).and_then(|raw| model(&raw));
    match (Read::from_json(text), theirs) {
        (Ok(ours), theirs) => prop_assert_eq!(plain(&ours), theirs.unwrap_or_else(|error| error.to_string().into())),
        // serde_json has no rule against these.
        (Err(error), _) if matches!(error.code, ErrorCode::FieldDuplicate | ErrorCode::TooDeep) => {}
        (Err(error), theirs) => prop_assert!(theirs.is_err(), "{error}"),
    }
    Ok(())
}

#[test]
fn largest_safe_integer_is_read_exactly_with_zero_fraction() {
    for text in ["9007199254740991.0", "9007199254740991.000", "90071992547409910e-1"] {
        agrees(text.as_bytes()).unwrap();
        assert_eq!(
            Read::from_json(text.as_bytes()).unwrap(),
            Read::Int(9_007_199_254_740_991)
        );
    }
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn reads_json_fragments_as_serde_json_does(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14)) {
        agrees(pieces.concat().as_bytes())?;
    }

    #[test]
    fn reads_any_bytes_as_serde_json_does(mut text in prop::collection::vec(any::<u8>(), 0..24), quoted in any::<bool>()) {
        if quoted {
            text.insert(0, b'"');
            text.push(b'"');
        }
        agrees(&text)?;
    }

    #[test]
    fn reads_numbers_as_serde_json_does(
        digits in "-?(0|[1-9][0-9]{0,11})",
        fraction in "(\\.[0-9]{0,3})?",
        exponent in "([eE][-+]?[0-9]{0,2})?",
    ) {
        agrees(format!("{digits}{fraction}{exponent}").as_bytes())?;
    }

    #[test]
    fn reads_its_own_text_again(texts in prop::collection::vec(any::<String>(), 0..6)) {
        let text = serde_json::to_vec(&texts).unwrap();
        let read = Read::from_json(&text).unwrap();
        prop_assert_eq!(encode(&texts).unwrap(), read.clone());
        prop_assert_eq!(serde_json::to_vec(&read).unwrap(), text);
    }
}
