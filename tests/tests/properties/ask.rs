//! Calls the core as every host does: JSON in, JSON out.

use proptest::test_runner::Config;
use serde_json::{Value, json};

/// The current time for requests that need one: 2027-01-15T08:00:00Z.
pub(crate) const NOW: i64 = 1_800_000_000;

/// Entropy that is not weak.
pub(crate) const ENTROPY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\
                                  202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

/// The configuration for this number of cases, unless `PROPTEST_CASES` is set. A failure prints its input. Nothing is written to
/// the disk.
pub(crate) fn cases(usual: u32) -> Config {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = usual;
    }
    config
}

/// The answer to a request.
pub(crate) fn ask(request: &Value) -> Value {
    serde_json::from_slice(&tokenlatch_core::call_json(request.to_string().as_bytes())).unwrap()
}

/// The code of an answer's error, if it is one.
pub(crate) fn code(answer: &Value) -> Option<&str> {
    answer.pointer("/error/code").and_then(Value::as_str)
}

/// A `create` request that is valid at any time and has the default expiry.
pub(crate) fn creation(now: i64) -> Value {
    json!({"op": "create", "now": now, "entropy": ENTROPY, "user": "alice", "name": "ci", "access": "full"})
}

/// The expiry of a created token; `Ok(None)` means never. Fails with the error's code.
pub(crate) fn created_expiry(request: &Value) -> Result<Option<i64>, String> {
    let answer = ask(request);
    match code(&answer) {
        Some(code) => Err(code.into()),
        None => Ok(answer.pointer("/ok/record/expires").unwrap().as_i64()),
    }
}
