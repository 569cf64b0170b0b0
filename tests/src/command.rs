//! What a runtime is asked.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One command to a runtime. As JSON it is an object with the variant's name as its one key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// A request, as it is written in the vector.
    Request(Box<RawValue>),
    /// Text that isn't a well-formed request.
    Raw(String),
    /// Text too long to be written out.
    Padded(Padded),
    /// Makes a table in place of the one before.
    Table(Box<RawValue>),
    /// Changes the table.
    Update(Box<RawValue>),
    /// Gives a call a number.
    Prepare(Box<RawValue>),
    /// Asks the hot path for a verdict.
    Verify(Verify),
}

/// `head`, then `unit` so many times, then `tail`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Padded {
    head: String,
    unit: String,
    times: usize,
    tail: String,
}

impl Padded {
    /// The text that is meant.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}{}", self.head, self.unit.repeat(self.times), self.tail)
    }
}

/// A verification by the hot path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verify {
    /// The header value.
    pub authorization: String,
    /// The number of the call.
    pub call: u32,
    /// The address, or none.
    pub address: Option<String>,
    /// Unix seconds.
    pub now: i64,
}
