//! A command of a vector, with the expected answer.

use serde_json::Value;

use crate::command::Command;

/// A command with its expected answer.
#[derive(Debug)]
pub struct Step {
    /// The vector's name, and the number of the step if the vector has several.
    pub name: String,
    /// The command.
    pub command: Command,
    /// The expected answer.
    pub expect: Expectation,
}

/// The expected answer of a vector.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// Exactly this answer, except for messages that it does not name. Of an error, these keys.
    Exact(Value),
    /// An answer that contains at least this.
    Partial(Value),
}
