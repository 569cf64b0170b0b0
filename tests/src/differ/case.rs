//! A case: commands in order, the later ones about the table or snapshot that an earlier one opened.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::draw::Draw;
use crate::command::Command;
use crate::fault::Fault;

/// One command, as text for the runtimes and as a value to be changed.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// `request`, `table`, `snapshot`, `update`, `apply`, `prepare` or `verify`.
    pub(super) kind: String,
    pub(super) value: Value,
    text: String,
}

impl Step {
    /// A command whose text has its keys in a random order.
    pub(super) fn new(kind: &str, draw: &mut Draw, value: &Value) -> Self {
        let text = draw.text(value);
        Step {
            kind: kind.into(),
            value: value.clone(),
            text,
        }
    }

    /// A message, with its parts for the model.
    pub(super) fn apply(message: String, now: i64, parts: Value) -> Self {
        let mut value = Map::new();
        value.insert("message".into(), json!(message));
        value.insert("now".into(), json!(now));
        value.insert("parts".into(), parts);
        Step::plain("apply".into(), Value::Object(value))
    }

    /// A command whose text has its keys in their usual order.
    pub(super) fn plain(kind: String, value: Value) -> Self {
        Step {
            text: value.to_string(),
            kind,
            value,
        }
    }

    /// The command for a runtime.
    ///
    /// # Errors
    /// The step isn't a command.
    pub(super) fn command(&self) -> Result<Command, Fault> {
        let raw = || RawValue::from_string(self.text.clone()).map_err(Fault::during("a step"));
        Ok(match self.kind.as_str() {
            "request" => Command::Request(raw()?),
            "table" => Command::Table(raw()?),
            "snapshot" => Command::Snapshot(raw()?),
            "update" => Command::Update(raw()?),
            "prepare" => Command::Prepare(raw()?),
            "apply" => Command::Apply(serde_json::from_str(&self.text).map_err(Fault::during("a message"))?),
            "verify" => Command::Verify(serde_json::from_str(&self.text).map_err(Fault::during("a verification"))?),
            other => return Err(Fault::new(format!("no command is called `{other}`"))),
        })
    }

    /// The step as JSON, for the model and for a file.
    pub(super) fn json(&self) -> String {
        format!("{{\"{}\":{}}}", self.kind, self.text)
    }
}

/// Some steps as one line of JSON.
pub(super) fn line(steps: &[Step]) -> String {
    let steps: Vec<String> = steps.iter().map(Step::json).collect();
    format!("{{\"steps\":[{}]}}", steps.join(","))
}
