//! Everything that can answer commands.

mod native;
mod node;
mod process;
mod python;
mod wasmtime_abi;

pub use node::{build_package, package};

use serde::{Deserialize, Serialize};
use tokenlatch_build::Built;

use crate::command::Command;
use crate::fault::Fault;

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The runtime's name.
    pub runtime: String,
    /// Its version.
    pub version: String,
    /// `core`, `plain` or `typed`.
    pub face: String,
    /// The SHA-256 of the module that it loaded; none where there is no module.
    pub module_sha256: Option<String>,
}

/// Something that answers commands with the module's own text.
pub trait Runtime {
    /// Who answers.
    fn identity(&self) -> &Identity;

    /// Answers commands in their order.
    ///
    /// # Errors
    /// When it can't be asked, or stops answering.
    fn answer(&mut self, commands: &[&Command]) -> Result<Vec<String>, Fault>;
}

/// A way to a runtime: it may be missing on this machine.
pub struct Entry {
    /// What it is called until it says so itself.
    pub name: &'static str,
    /// Starts it.
    pub start: fn(&Built) -> Result<Box<dyn Runtime>, Fault>,
}

/// Every runtime, in the order of the table.
#[must_use]
pub fn all() -> Vec<Entry> {
    vec![
        Entry {
            name: "native",
            start: |_| Ok(Box::new(native::Native::new())),
        },
        Entry {
            name: "wasmtime",
            start: |built| Ok(Box::new(wasmtime_abi::PlainAbi::start(built)?)),
        },
        Entry {
            name: "Python",
            start: |built| Ok(Box::new(python::start(built)?)),
        },
        Entry {
            name: "Node, plain",
            start: |built| Ok(Box::new(node::plain(built)?)),
        },
        Entry {
            name: "Node, typed",
            start: |built| Ok(Box::new(node::typed(built)?)),
        },
    ]
}
