//! Every request has an answer: `ok` or `error`, and nothing else.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tokenlatch_core::{TokenTable, call_json, info, read_json};
use tokenlatch_tests::Command;
use tokenlatch_tests::vectors::load;

use crate::ask::cases;

/// Every request of the vectors, valid and invalid, as the base of changes.
static REQUESTS: LazyLock<Vec<Value>> = LazyLock::new(|| inputs(|command| matches!(command, Command::Request(_))));
/// Every table input of the vectors.
static TABLES: LazyLock<Vec<Value>> = LazyLock::new(|| inputs(|command| matches!(command, Command::Table(_))));

fn inputs(wanted: impl Fn(&Command) -> bool) -> Vec<Value> {
    let steps = load().unwrap().steps;
    let commands = steps.iter().map(|step| &step.command).filter(|command| wanted(command));
    commands
        .filter_map(|command| match command {
            Command::Request(text) | Command::Table(text) => serde_json::from_str(text.get()).ok(),
            _ => None,
        })
        .collect()
}

static INFO: LazyLock<tokenlatch_core::Info> = LazyLock::new(info);

/// Checks the form of the answer, and that a second answer is the same.
fn check(request: &[u8]) -> Result<(), TestCaseError> {
    let text = call_json(request);
    prop_assert_eq!(&text, &call_json(request));
    let answer: Value = serde_json::from_slice(&text).unwrap();
    let answer = answer.as_object().unwrap();
    prop_assert_eq!(answer.len(), 1);
    match (answer.get("ok"), answer.get("error")) {
        (Some(ok), None) => prop_assert!(ok.is_object()),
        (None, Some(error)) => {
            let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap();
            prop_assert!(INFO.errors.iter().any(|code| code == text("code")), "{}", text("code"));
            prop_assert!(!text("message").is_empty());
            prop_assert!(error.get("field").is_none_or(Value::is_string));
            let keys = ["code", "message", "field"];
            prop_assert!(
                error
                    .as_object()
                    .unwrap()
                    .keys()
                    .all(|key| keys.contains(&key.as_str()))
            );
        }
        _ => prop_assert!(false, "neither `ok` nor `error`"),
    }
    Ok(())
}

/// Keys of requests, so that arbitrary values reach the parser of every field.
const KEYS: &[&str] = &[
    "op",
    "now",
    "entropy",
    "user",
    "name",
    "access",
    "features",
    "expires",
    "readOnly",
    "addresses",
    "realm",
    "zone",
    "offset",
    "transitions",
    "prefix",
    "pepper",
    "peppers",
    "id",
    "key",
    "account",
    "accounts",
    "suspended",
    "policy",
    "maxLifetime",
    "expiryRequired",
    "taken",
    "token",
    "authorization",
    "record",
    "records",
    "v",
    "hash",
    "hint",
    "created",
    "revoked",
    "call",
    "api",
    "module",
    "function",
    "feature",
    "writes",
    "address",
    "catalogue",
    "apis",
    "warnDays",
    "page",
    "pageSize",
    "sort",
    "descending",
    "search",
    "includeRevoked",
    "newName",
    "ids",
    "names",
    "shape",
    "error",
    "httpStatus",
    "retryAfter",
    "removeIds",
    "removeUsers",
    "__proto__",
    "",
];

fn key() -> impl Strategy<Value = String> {
    prop_oneof![6 => prop::sample::select(KEYS).prop_map(str::to_owned), 1 => any::<String>()]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3..12_i64).prop_map(Value::from),
        prop::sample::select(vec![
            1_577_836_800_i64,
            1_800_000_000,
            253_402_300_799,
            9_007_199_254_740_991,
            9_007_199_254_740_992,
            i64::MIN,
            i64::MAX
        ])
        .prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
    ]
}

fn string() -> impl Strategy<Value = String> {
    let good = prop::sample::select(vec![
        "alice",
        "full",
        "all",
        "never",
        "UTC",
        "+14:00",
        "2027-02-29",
        "account",
        "admin",
        "uapi",
        "api1",
        "10.0.0.0/8",
        "::ffff:1.2.3.4",
        "cpanel alice:ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
        "sha256:00",
        "hmac-sha256:p:00",
        "whm",
        "denied",
        "name",
        "_",
        ":",
        "\u{0}",
        "€",
    ]);
    prop_oneof![3 => good.prop_map(str::to_owned), 1 => any::<String>(), 1 => "[0-9a-f]{64}".prop_map(|hex| format!("sha256:{hex}"))]
}

/// Any JSON.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        string().prop_map(Value::from)
    ];
    leaf.prop_recursive(5, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A change somewhere in a request.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, Value),
    Remove(Index, Index),
    Insert(Index, String, Value),
    Rename(Index, Index, String),
    Wrap(Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), value()).prop_map(|(at, value)| Change::Replace(at, value)),
        2 => (place(), place()).prop_map(|(at, key)| Change::Remove(at, key)),
        2 => (place(), key(), value()).prop_map(|(at, key, value)| Change::Insert(at, key, value)),
        1 => (place(), place(), key()).prop_map(|(at, key, new)| Change::Rename(at, key, new)),
        1 => (place(), 1..20_usize).prop_map(|(at, times)| Change::Wrap(at, times)),
    ]
}

/// The number of values in a value, including itself.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// The value with a number, in the order of `count`.
fn at(value: &mut Value, number: usize) -> Option<&mut Value> {
    if number == 0 {
        return Some(value);
    }
    let mut left = number - 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(entries) => entries.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        let within = count(child);
        if left < within {
            return at(child, left);
        }
        left -= within;
    }
    None
}

fn apply(request: &mut Value, change: &Change) {
    let (Change::Replace(place, _)
    | Change::Remove(place, _)
    | Change::Insert(place, _, _)
    | Change::Rename(place, _, _)
    | Change::Wrap(place, _)) = change;
    let number = place.index(count(request));
    let target = at(request, number).unwrap();
    let some_key = |entries: &serde_json::Map<String, Value>, key: &Index| {
        let keys: Vec<&String> = entries.keys().collect();
        (!keys.is_empty()).then(|| keys[key.index(keys.len())].clone())
    };
    match (change, target) {
        (Change::Replace(_, value), target) => *target = value.clone(),
        (Change::Remove(_, key), Value::Object(entries)) => {
            _ = some_key(entries, key).and_then(|key| entries.remove(&key));
        }
        (Change::Insert(_, key, value), Value::Object(entries)) => _ = entries.insert(key.clone(), value.clone()),
        (Change::Rename(_, key, new), Value::Object(entries)) => {
            if let Some(value) = some_key(entries, key).and_then(|key| entries.remove(&key)) {
                entries.insert(new.clone(), value);
            }
        }
        (Change::Insert(_, _, value), Value::Array(items)) => items.push(value.clone()),
        (Change::Remove(_, key) | Change::Rename(_, key, _), Value::Array(items)) if !items.is_empty() => {
            _ = items.remove(key.index(items.len()));
        }
        (Change::Wrap(_, times), target) => {
            for _ in 0..*times {
                *target = json!([target.take()]);
            }
        }
        _ => {}
    }
}

fn changed(from: &'static LazyLock<Vec<Value>>) -> impl Strategy<Value = Value> {
    (any::<Index>(), prop::collection::vec(change(), 0..4)).prop_map(|(which, changes)| {
        let mut request = from[which.index(from.len())].clone();
        for change in &changes {
            apply(&mut request, change);
        }
        request
    })
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes)?;
    }

    #[test]
    fn any_json_gets_an_answer_from_every_operation(operation in any::<Index>(), mut entries in prop::collection::vec((key(), value()), 0..8)) {
        let operation = &INFO.operations[operation.index(INFO.operations.len())];
        entries.push(("op".into(), json!(operation)));
        check(Value::Object(entries.into_iter().collect()).to_string().as_bytes())?;
    }

    #[test]
    fn a_changed_request_gets_an_answer(request in changed(&REQUESTS)) {
        check(request.to_string().as_bytes())?;
    }

    #[test]
    fn a_spoilt_text_gets_an_answer(which in any::<Index>(), at in any::<Index>(), byte in any::<u8>(), how in 0..4_u8) {
        let mut text = REQUESTS[which.index(REQUESTS.len())].to_string().into_bytes();
        let at = at.index(text.len());
        match how {
            0 => text.insert(at, byte),
            1 => text[at] = byte,
            2 => _ = text.remove(at),
            _ => text.truncate(at),
        }
        check(&text)?;
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_changed_table_is_refused_or_answers(
        input in changed(&TABLES),
        call in 0..3_u32,
        header in prop_oneof![string().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..80)],
        address in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        now in any::<i64>(),
    ) {
        let opened = read_json(input.to_string().as_bytes()).and_then(TokenTable::from_value);
        if let Ok(table) = opened {
            let code = table.verify(call, &header, address.as_deref(), now);
            let verdict = table.verdict(code);
            prop_assert_eq!(verdict.is_ok(), code >= 0);
            prop_assert_eq!(code < 0, call > 0, "no call was prepared");
            prop_assert!(verdict.is_err() || !verdict.unwrap().allowed, "nobody knows these tokens");
        }
    }
}
