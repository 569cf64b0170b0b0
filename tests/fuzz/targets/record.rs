//! A record that a store can read is written and read again unchanged, with unknown fields after the known ones, and the
//! module accepts the same records as a host's store.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Value, json};
use tokenlatch_core::Record;
use tokenlatch_fuzz::answer::{ask, code, parse};

/// The known fields, in their order.
const FIELDS: [&str; 13] = [
    "v",
    "id",
    "user",
    "name",
    "hash",
    "hint",
    "created",
    "expires",
    "access",
    "readOnly",
    "addresses",
    "realm",
    "revoked",
];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let stored = serde_json::from_str::<Record>(text);
    let request = [br#"{"op":"validate","records":["#, data, b"]}"].concat();
    let answer = parse(&tokenlatch_core::call_json(&request));
    let record = match stored {
        Ok(record) => record,
        Err(_) => {
            // Text with a comma outside may be two records.
            let one = serde_json::from_str::<Value>(text).is_ok();
            assert!(
                !one || answer["ok"]["valid"] != true,
                "valid in a request, unreadable in a store"
            );
            return;
        }
    };
    let written = serde_json::to_string(&record).expect("a record can be written");
    let again: Record = serde_json::from_str(&written).expect("what is written can be read");
    assert_eq!(again, record);
    assert_eq!(serde_json::to_string(&again).expect("as before"), written);

    let keys: Vec<&String> = record.extra.entries().iter().map(|(key, _)| key).collect();
    assert!(keys.is_sorted() && keys.iter().all(|key| !FIELDS.contains(&key.as_str())));

    // Numbers with a fraction or an exponent are read exactly in a request, and by way of an `f64` in a store. Levels are
    // counted from the record in a store.
    let exact = !text.contains(['.', 'e', 'E']) || !text.contains(|c: char| c.is_ascii_digit());
    let as_written = ask(&json!({"op": "validate", "records": [record]}));
    if exact && code(&answer) != "too_deep" {
        assert_eq!(answer, as_written, "a request and a store read it differently");
    }
    if as_written["ok"]["valid"] == true {
        let listed = ask(&json!({"op": "describe", "now": 1_800_000_000, "record": record}));
        assert!(
            listed.get("ok").is_some(),
            "a valid record can be described: {}",
            code(&listed)
        );
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tokenlatch_fuzz::json::mutate(data, size, max_size, seed)
});
