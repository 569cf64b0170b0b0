//! Any text is answered, twice alike, by an answer of the documented form. It holds no secret that the request holds; what
//! it says of a verdict agrees with itself; and what it writes can be read again.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Value, json};
use tokenlatch_core::call_json;
use tokenlatch_fuzz::answer::{ask, parse};

fuzz_target!(|data: &[u8]| {
    let text = call_json(data);
    assert_eq!(text, call_json(data), "one request has one answer");
    let answer = parse(&text);
    let Ok(request) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let op = request.get("op").and_then(Value::as_str).unwrap_or_default();
    reveals_nothing(op, &request, &answer);
    match (op, answer.get("ok")) {
        ("verify", Some(verdict)) => agrees(verdict),
        ("create", Some(created)) => is_known(&request, created),
        ("rename" | "update", Some(answer)) => is_readable(&json!([answer["record"]])),
        ("revoke", Some(answer)) => {
            is_readable(&answer["records"]);
            let mut records = answer["records"].as_array().into_iter().flatten();
            assert!(records.all(|record| record["revoked"].is_i64()));
        }
        _ => {}
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tokenlatch_fuzz::json::mutate(data, size, max_size, seed)
});

/// Keys whose text is a secret.
const SECRET: [&str; 4] = ["authorization", "token", "key", "entropy"];

fn reveals_nothing(op: &str, request: &Value, answer: &Value) {
    // A good reply shows the token to its owner.
    let shows = matches!(op, "reply" | "parameters") && answer.get("ok").is_some();
    let mut secrets = Vec::new();
    let mut rest = Vec::new();
    gather(request, Part::Other, &mut secrets, &mut rest);
    let text = answer.to_string();
    for run in secrets
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()))
    {
        let known = run.len() < 20 || rest.iter().any(|text| text.contains(run));
        assert!(
            shows || known || !text.contains(run),
            "the answer of `{op}` holds a secret"
        );
    }
}

/// What a text in a request is.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Secret,
    /// A part of a record. Its unknown fields are kept, whatever they hold.
    Stored,
    Other,
}

/// The texts under the keys of secrets, and all others, keys among them.
fn gather<'v>(value: &'v Value, part: Part, secrets: &mut Vec<&'v str>, rest: &mut Vec<&'v str>) {
    match value {
        // The user before the colon isn't secret.
        Value::String(text) if part == Part::Secret => secrets.push(text.rsplit(':').next().unwrap_or(text)),
        Value::String(text) => rest.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, part, secrets, rest)),
        Value::Object(entries) => {
            for (key, item) in entries {
                rest.push(key);
                let part = match key.as_str() {
                    _ if part == Part::Stored => Part::Stored,
                    "record" | "records" | "creator" => Part::Stored,
                    key if SECRET.contains(&key) => Part::Secret,
                    _ => Part::Other,
                };
                gather(item, part, secrets, rest);
            }
        }
        _ => {}
    }
}

fn agrees(verdict: &Value) {
    let allowed = verdict["allowed"] == true;
    assert_eq!(allowed, verdict["reason"] == "ok");
    assert_eq!(allowed, verdict["status"] == 200);
    assert_eq!(allowed, verdict["refusal"].is_null());
    if !allowed {
        assert_eq!(verdict["refusal"]["status"], verdict["status"]);
        let asks = verdict["refusal"]["headers"].get("WWW-Authenticate").is_some();
        assert_eq!(asks, verdict["status"] == 401);
        for key in ["user", "id", "name"]
            .map(|key| &verdict[key])
            .into_iter()
            .filter_map(Value::as_str)
        {
            let body = verdict["refusal"]["body"].as_str().unwrap_or_default();
            assert!(
                key.len() < 16 || !body.contains(key),
                "the client's part names the token"
            );
        }
    }
}

/// A created token is identified by its text, under the pepper that it was made with.
fn is_known(request: &Value, created: &Value) {
    is_readable(&json!([created["record"]]));
    let token = created["token"].as_str().unwrap_or_default();
    let mut look_up = json!({"op": "identify", "authorization": format!("Bearer {token}")});
    if let Some(pepper) = request.get("pepper") {
        look_up["peppers"] = json!([pepper]);
    }
    assert_eq!(ask(&look_up)["ok"]["hashes"][0], created["record"]["hash"]);
}

fn is_readable(records: &Value) {
    let answer = ask(&json!({"op": "validate", "records": records}));
    assert_eq!(answer["ok"]["valid"], true, "a written record is valid");
}
