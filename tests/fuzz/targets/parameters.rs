//! Parameters of UAPI, API 2 and WHM: nothing that limits a token is lost, each spelling of a list means the same, and only
//! the words `any` and `all` open one. The form that they come in is read strictly, and as the form_urlencoded crate reads it.
#![no_main]

#[path = "../../../host/server/src/urlencoded.rs"]
mod urlencoded;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokenlatch_fuzz::answer::{ask, code};

const FUNCTIONS: [(&str, &str); 14] = [
    ("uapi", "create_full_access"),
    ("uapi", "create_limited"),
    ("uapi", "get_addresses"),
    ("api2", "list"),
    ("uapi", "rename"),
    ("uapi", "revoke"),
    ("uapiCommand", "set_addresses"),
    ("whm", "api_token_create"),
    ("whm", "api_token_get_details"),
    ("whm", "api_token_list"),
    ("whm", "api_token_revoke"),
    ("whm", "api_token_update"),
    ("denied", "list"),
    ("whm", "create_limited"),
];

const KEYS: [&str; 24] = [
    "name",
    "token_name",
    "new_name",
    "new-name",
    "features",
    "features-0",
    "features[1]",
    "features[]",
    "acl",
    "acl-12",
    "acl[]",
    "addresses",
    "addresses-0",
    "whitelist_ip",
    "whitelist-ip-1",
    "whitelist_ip[0]",
    "expires_at",
    "expires-at",
    "readonly",
    "token",
    "api.version",
    "read_only",
    "Features",
    "whitelist",
];

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Known(u8),
    Any(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Given<'a> {
    Null,
    Text(&'a str),
    Word(u8),
    Number(i64),
    Small(u8),
    Bool(bool),
    List(Vec<&'a str>),
}

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Call {
        function: u8,
        values: Vec<(Text<'a>, Given<'a>)>,
    },
    Form(&'a [u8]),
}

fuzz_target!(|data: &[u8]| {
    match Input::arbitrary_take_rest(Unstructured::new(data)) {
        Ok(Input::Call { function, values }) => call(function, &values),
        Ok(Input::Form(text)) => form(text),
        Err(_) => {}
    }
});

const WORDS: [&str; 8] = [
    "any",
    "all",
    "a",
    "mail,backup",
    " a , b ,, ",
    "10.0.0.0/8",
    "0",
    "1900000000",
];

fn value(given: &Given<'_>) -> Value {
    match given {
        Given::Null => Value::Null,
        Given::Text(text) => json!(text),
        Given::Word(at) => json!(WORDS[usize::from(*at) % WORDS.len()]),
        Given::Number(number) => json!(number % 9_007_199_254_740_992),
        Given::Small(number) => json!(number % 4),
        Given::Bool(value) => json!(value),
        Given::List(items) => json!(items),
    }
}

fn read(shape: &str, function: &str, values: &[(String, Value)]) -> Value {
    ask(&json!({"op": "parameters", "shape": shape, "function": function, "values": values}))
}

fn call(function: u8, values: &[(Text<'_>, Given<'_>)]) {
    let (shape, function) = FUNCTIONS[usize::from(function) % FUNCTIONS.len()];
    let key = |key: &Text<'_>| match key {
        Text::Known(at) => KEYS[usize::from(*at) % KEYS.len()].to_owned(),
        Text::Any(text) => (*text).to_owned(),
    };
    let values: Vec<(String, Value)> = values.iter().map(|(name, given)| (key(name), value(given))).collect();
    let answer = read(shape, function, &values);
    let given: Vec<(String, Value)> = values.iter().filter(|(_, value)| !value.is_null()).cloned().collect();
    let known = json!({"ok": answer["ok"]});
    // A key that is unknown is listed even if its value is null.
    let mut without_null = read(shape, function, &given);
    if let (Some(all), Some(fewer)) = (known["ok"].get("unknown"), without_null.pointer_mut("/ok/unknown")) {
        *fewer = all.clone();
    }
    assert_eq!(without_null, answer, "null isn't as if it was left out");
    let dashed: Vec<(String, Value)> = given
        .iter()
        .map(|(key, value)| (key.replace('_', "-"), value.clone()))
        .collect();
    if let Some(found) = answer.get("ok") {
        is_closed(shape, function, &given, found);
        // A dash may replace an underscore, except in the keys of the interface.
        if given.iter().all(|(key, _)| KEYS[..20].contains(&key.as_str())) && !known["ok"]["unknown"].is_null() {
            let mut alike = read(shape, function, &dashed);
            if let Some(unknown) = alike.pointer_mut("/ok/unknown") {
                *unknown = found["unknown"].clone();
            }
            assert_eq!(alike["ok"], *found, "a dash changes the meaning");
        }
        is_same_as_list(shape, function, &given, found);
    } else {
        let codes = [
            "function_unknown",
            "field_missing",
            "field_duplicate",
            "type_invalid",
            "value_invalid",
            "expiry_invalid",
            "field_unknown",
            "features_too_many",
            "addresses_too_many",
            "too_deep",
            "expiry_out_of_range",
        ];
        assert!(codes.contains(&code(&answer)), "{answer}");
    }
}

/// Nothing is wider than it was written.
fn is_closed(shape: &str, function: &str, given: &[(String, Value)], found: &Value) {
    let whm = shape == "whm";
    let says = |word: &str| {
        given.iter().any(|(_, value)| {
            let one = value
                .as_array()
                .and_then(|items| items.iter().find_map(Value::as_str))
                .or(value.as_str());
            one.is_some_and(|text| text.split(',').any(|item| item.trim_ascii() == word))
        })
    };
    let begins = |beginning: &str| {
        given.iter().any(|(key, _)| {
            let letters: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
            letters.to_ascii_lowercase().starts_with(beginning)
        })
    };
    let creates = function.contains("create");
    if found["addresses"].as_array().is_some_and(Vec::is_empty) {
        assert!(
            says("any") || given.iter().any(|(_, value)| value.as_array().is_some()),
            "open to any address"
        );
    }
    if creates && found.get("addresses").is_none() {
        assert!(
            !begins("whitelist") && !begins("address"),
            "addresses are lost: {given:?}"
        );
    }
    if found["access"] == "full" {
        assert!(function == "create_full_access" || whm && (says("all") || creates && !begins("acl")));
    }
    if creates && found["expires"] == "never" {
        let zero = given
            .iter()
            .any(|(_, value)| *value == json!(0) || value.as_str().is_some_and(|text| text.parse() == Ok(0)));
        assert!(!begins("expir") || whm && zero, "an expiry is lost");
    }
    if function == "create_limited" || function == "create_full_access" {
        assert!(
            found.get("readOnly").is_some() || !begins("readonly"),
            "read-only is lost"
        );
    }
    let names = found["unknown"].as_array().expect("the unknown keys");
    assert!(
        names.len() <= 16
            && names
                .iter()
                .all(|name| name.as_str().is_some_and(|name| name.len() <= 64))
    );
}

/// A list as one array, or as one item for each key, means what it did.
fn is_same_as_list(shape: &str, function: &str, given: &[(String, Value)], found: &Value) {
    let (key, items) = match (&found["access"]["features"], &found["names"]) {
        (Value::Array(items), _) => (if shape == "whm" { "acl" } else { "features" }, items),
        (_, Value::Array(items)) => ("token_name", items),
        _ => return,
    };
    let text = |item: &Value| item.as_str().unwrap_or_default().to_owned();
    if items.is_empty() || items.iter().any(|item| matches!(text(item).as_str(), "all" | "any")) {
        return;
    }
    let others = given
        .iter()
        .filter(|(name, _)| !name.replace('-', "_").starts_with(key))
        .cloned();
    let others: Vec<(String, Value)> = others.collect();
    let array = [others.clone(), vec![(key.to_owned(), json!(items))]].concat();
    let single = items
        .iter()
        .enumerate()
        .map(|(at, item)| (format!("{key}-{at}"), item.clone()));
    let single = [others, single.collect()].concat();
    for values in [array, single] {
        let mut alike = read(shape, function, &values);
        // A key that is unknown is listed even if its value is null.
        if let Some(unknown) = alike.pointer_mut("/ok/unknown") {
            *unknown = found["unknown"].clone();
        }
        assert_eq!(alike["ok"], *found, "{given:?}");
    }
}

/// What is read strictly is read alike by form_urlencoded; and what that writes is read back.
fn form(text: &[u8]) {
    let lenient: Vec<(String, String)> = form_urlencoded::parse(text).into_owned().collect();
    let strict: Option<Vec<(String, String)>> = urlencoded::pairs(text).collect();
    if let Some(strict) = strict {
        assert_eq!(strict, lenient, "two readings");
    }
    let written = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&lenient)
        .finish();
    let again: Option<Vec<(String, String)>> = urlencoded::pairs(written.as_bytes()).collect();
    assert_eq!(again, Some(lenient), "what was written isn't read back");
}
