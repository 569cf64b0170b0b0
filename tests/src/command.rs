//! What a runtime is asked.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::fault::Fault;

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
    /// Opens a snapshot in place of the table before.
    Snapshot(Box<RawValue>),
    /// Takes a message into the snapshot.
    Apply(Apply),
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

/// A message to a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Apply {
    /// The message in hex.
    pub message: String,
    /// Unix seconds.
    pub now: i64,
}

impl Apply {
    /// The bytes of the message.
    ///
    /// # Errors
    /// When the vector's text isn't hex.
    pub fn bytes(&self) -> Result<Vec<u8>, Fault> {
        let digits = self.message.as_bytes().chunks(2);
        digits
            .map(|pair| {
                let pair = std::str::from_utf8(pair).map_err(Fault::during("a message"))?;
                u8::from_str_radix(pair, 16).map_err(Fault::during("a message"))
            })
            .collect()
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
