//! The conformance suite, which runs the vectors on every runtime, and what the tests of several processes share.
//!
//! A runtime is anything that answers commands, one JSON text each, with the module's own text: see [`Runtime`]. To add one that
//! runs as a process, write a runner of about 30 lines and an entry in [`runtimes`].

mod conformance;
pub mod differ;
#[cfg(feature = "service")]
pub mod edges;
pub mod planted;
#[cfg(feature = "service")]
pub mod proxies;
pub mod report;
pub mod routes;
pub mod runtimes;
#[cfg(feature = "service")]
pub mod service;

use tokenlatch_vectors::{command, fault, suite};

pub use conformance::{Conformance, require_all};
pub use runtimes::{Identity, Runtime, build_package, package};
pub use tokenlatch_vectors::command::Command;
pub use tokenlatch_vectors::fault::Fault;
pub use tokenlatch_vectors::suite::{Outcome, run};
pub use tokenlatch_vectors::vectors;
