//! What can answer commands.

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::fault::Fault;

/// The runtime that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The runtime's name.
    pub runtime: String,
    /// Its version.
    pub version: String,
    /// `core`, `plain` or `typed`.
    pub face: String,
    /// The SHA-256 of the module that it loaded; `None` if it uses no module.
    pub module_sha256: Option<String>,
}

/// A runtime that answers commands with the module's own text.
pub trait Runtime {
    /// The runtime that answers.
    fn identity(&self) -> &Identity;

    /// Answers commands in order.
    ///
    /// # Errors
    /// The runtime cannot be reached, or stops answering.
    fn answer(&mut self, commands: &[&Command]) -> Result<Vec<String>, Fault>;
}
