//! Vectors, and the conformance suite that runs them on every runtime.
//!
//! A runtime is anything that answers commands, one JSON text each, with the module's own text: see [`Runtime`]. To add one that
//! runs as a process, write a runner of about 30 lines and an entry in [`runtimes`].

mod check;
mod command;
mod conformance;
pub mod differ;
#[cfg(feature = "service")]
pub mod edges;
mod fault;
pub mod planted;
pub mod report;
pub mod runtimes;
#[cfg(feature = "service")]
pub mod service;
mod suite;
pub mod vectors;

pub use command::Command;
pub use conformance::{Conformance, require_all};
pub use fault::Fault;
pub use runtimes::{Identity, Runtime, build_package, package};
pub use suite::{Outcome, run};
