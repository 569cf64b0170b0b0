//! Whether an answer is the one that a vector demands.

use serde_json::Value;

use crate::vectors::Expectation;

/// Says whether the answer is as demanded.
pub(crate) fn meets(answer: &Value, expect: &Expectation) -> bool {
    match expect {
        Expectation::Partial(expect) => holds(answer, expect),
        Expectation::Exact(expect) => match expect.get("error") {
            Some(error) => answer.get("error").is_some_and(|answer| holds(answer, error)),
            None => equal(answer, expect),
        },
    }
}

/// Equal, but for messages, a table's handle and its memory where the expectation names none.
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

/// Every key of the expectation is there, and equal.
fn holds(answer: &Value, expect: &Value) -> bool {
    match (answer, expect) {
        (Value::Object(answer), Value::Object(expect)) => expect
            .iter()
            .all(|(key, expect)| answer.get(key).is_some_and(|answer| holds(answer, expect))),
        (answer, expect) => answer == expect,
    }
}
