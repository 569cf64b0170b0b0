//! Commands to a runtime.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::fault::Fault;
use crate::hex::bytes;

/// One command to a runtime. As JSON it is an object with the variant's name as its only key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// A request, as written in the vector.
    Request(Box<RawValue>),
    /// Text that is not a well-formed request.
    Raw(String),
    /// Text that is too long to write out.
    Padded(Padded),
    /// Creates a table, which replaces the previous one.
    Table(Box<RawValue>),
    /// Opens a snapshot, which replaces the previous table.
    Snapshot(Box<RawValue>),
    /// Applies a message to the snapshot.
    Apply(Apply),
    /// Updates the table.
    Update(Box<RawValue>),
    /// Assigns a number to a call.
    Prepare(Box<RawValue>),
    /// Verifies on the hot path.
    Verify(Verify),
}

/// `head`, then `unit` repeated, then `tail`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Padded {
    head: String,
    unit: String,
    times: usize,
    tail: String,
}

impl Padded {
    /// The full text.
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
    /// The current time, in Unix seconds.
    pub now: i64,
}

impl Apply {
    /// The bytes of the message.
    ///
    /// # Errors
    /// The vector's text is not hex.
    pub fn bytes(&self) -> Result<Vec<u8>, Fault> {
        bytes(&self.message)
    }
}

/// A verification on the hot path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verify {
    /// The header value.
    pub authorization: String,
    /// The number of the call.
    pub call: u32,
    /// The client's address, if it is known.
    pub address: Option<String>,
    /// The current time, in Unix seconds.
    pub now: i64,
}
