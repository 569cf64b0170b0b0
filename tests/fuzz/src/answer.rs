//! Answers of the dispatcher, and the form that every answer has.

use serde_json::Value;
use tokenlatch_core::ErrorCode;

/// Parses the text of an answer. It must be `{"ok":…}` or `{"error":{"code","message","field"?}}` with a known code.
pub fn parse(text: &[u8]) -> Value {
    let answer: Value = serde_json::from_slice(text).expect("an answer is JSON");
    let whole = answer.as_object().expect("an answer is an object");
    assert_eq!(whole.len(), 1, "an answer has one key");
    if let Some(error) = whole.get("error") {
        let error = error.as_object().expect("an error is an object");
        assert!(
            error
                .keys()
                .all(|key| matches!(key.as_str(), "code" | "message" | "field"))
        );
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
        let code = error["code"].as_str().expect("a code is a string");
        assert!(
            ErrorCode::ALL.iter().any(|known| known.as_str() == code),
            "unknown code {code}"
        );
    } else {
        assert!(whole.contains_key("ok"));
    }
    answer
}

/// The answer of the dispatcher.
pub fn ask(request: &Value) -> Value {
    parse(&tokenlatch_core::call_json(request.to_string().as_bytes()))
}

/// The code of an error; empty for a good answer.
pub fn code(answer: &Value) -> &str {
    answer
        .pointer("/error/code")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
