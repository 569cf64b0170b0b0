//! The core's reader of JSON text beside serde_json's.

use proptest::prelude::*;
use serde_json::Value;
use tokenlatch_core::{ErrorCode, Value as Read, encode};

use crate::ask::cases;

/// Pieces that texts are made of, good and bad.
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

/// What both must hold a value to be: whole and safe numbers, and everything else as it is.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let whole = number
                .as_f64()
                .filter(|n| n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_991.0);
            whole.map_or(Value::from(i64::MAX), |_| {
                #[expect(clippy::cast_possible_truncation, reason = "whole and safe")]
                number
                    .as_i64()
                    .map_or_else(|| Value::from(number.as_f64().unwrap() as i64), Value::from)
            })
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        other => other.clone(),
    }
}

fn agrees(text: &[u8]) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_slice::<Value>(text);
    match Read::from_json(text) {
        Ok(ours) => {
            let ours: Value = serde_json::from_str(&serde_json::to_string(&ours).unwrap()).unwrap();
            match theirs {
                Ok(theirs) => prop_assert_eq!(plain(&ours), plain(&theirs)),
                Err(error) => prop_assert!(error.to_string().contains("out of range"), "{error}"),
            }
        }
        // What serde_json has no rule against.
        Err(error) if matches!(error.code, ErrorCode::FieldDuplicate | ErrorCode::TooDeep) => {}
        Err(error) => prop_assert!(theirs.is_err(), "{error}"),
    }
    Ok(())
}

#[test]
fn the_greatest_safe_number_is_read_exactly_with_a_fraction_of_zeros() {
    for text in ["9007199254740991.0", "-9007199254740991.000", "90071992547409910e-1"] {
        agrees(text.as_bytes()).unwrap();
    }
    assert_eq!(Read::from_json(b"9007199254740991.0").unwrap(), Read::Int(9_007_199_254_740_991));
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn reads_texts_of_pieces_as_serde_json_does(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14)) {
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
