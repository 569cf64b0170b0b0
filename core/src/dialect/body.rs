//! The text of a reply's body.

use alloc::string::String;

use crate::json::value::Value;

/// JSON text being written. Building it from values would take twice the code.
#[derive(Default)]
pub(crate) struct Body(pub(crate) String);

impl Body {
    pub(crate) fn raw(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    pub(crate) fn json(&mut self, value: &Value) -> &mut Self {
        // Every value built here can be written as JSON.
        self.raw(&serde_json::to_string(value).unwrap_or_default())
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.json(&Value::String(text.into()))
    }

    pub(crate) fn integer(&mut self, number: Option<i64>) -> &mut Self {
        self.json(&number.map_or(Value::Null, Value::Int))
    }

    /// Writes items in brackets, or the entries of an object in braces.
    pub(crate) fn items<T>(&mut self, brackets: [&str; 2], items: &[T], write: &dyn Fn(&mut Body, &T)) -> &mut Self {
        let [open, close] = brackets;
        self.raw(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw(close)
    }

    pub(crate) fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.items(ARRAY, texts, &|body, text| {
            body.text(text);
        })
    }
}

pub(crate) const ARRAY: [&str; 2] = ["[", "]"];
pub(crate) const OBJECT: [&str; 2] = ["{", "}"];
