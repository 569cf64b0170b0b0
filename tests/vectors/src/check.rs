//! Checks whether an answer is what a vector expects.

use serde_json::Value;

use crate::step::Expectation;

/// Whether the answer meets the expectation.
#[must_use]
pub fn meets(answer: &Value, expect: &Expectation) -> bool {
    match expect {
        Expectation::Partial(expect) => holds(answer, expect),
        Expectation::Exact(expect) => match expect.get("error") {
            Some(error) => answer.get("error").is_some_and(|answer| holds(answer, error)),
            None => equal(answer, expect),
        },
    }
}

/// Compares for equality. Messages, a table's handle and its memory are ignored unless the expectation names them.
fn equal(answer: &Value, expect: &Value) -> bool {
    match (answer, expect) {
        (Value::Object(answer), Value::Object(expect)) => {
            expect
                .iter()
                .all(|(key, expect)| answer.get(key).is_some_and(|answer| equal(answer, expect)))
                && answer
                    .keys()
                    .all(|key| expect.contains_key(key) || matches!(key.as_str(), "message" | "table" | "bytes"))
        }
        (Value::Array(answer), Value::Array(expect)) => {
            answer.len() == expect.len() && answer.iter().zip(expect).all(|(answer, expect)| equal(answer, expect))
        }
        (answer, expect) => answer == expect,
    }
}

/// Whether every key of the expectation is present and equal.
fn holds(answer: &Value, expect: &Value) -> bool {
    match (answer, expect) {
        (Value::Object(answer), Value::Object(expect)) => expect
            .iter()
            .all(|(key, expect)| answer.get(key).is_some_and(|answer| holds(answer, expect))),
        (answer, expect) => answer == expect,
    }
}
