//! The module's two faces over `tokenlatch-core`.
//!
//! *The plain ABI* ([`abi`]) is for every host that can run WebAssembly: JSON text in linear memory, and numbers for
//! the hot path. It reaches no import, so a host without JavaScript may define every import as a trap.
//!
//! *The JavaScript face* ([`operations`], [`table_face`], [`snapshot_face`]) takes and gives JavaScript values. It alone may ask the
//! JavaScript clock, the local time zone and `crypto.getRandomValues` for what the caller left out.
//!
//! No rule about tokens stands in this crate: both faces ask the core and pass its answers on.

pub mod abi;
mod answer;
mod clock;
mod entropy;
mod import;
mod memory;
pub mod operations;
mod reach;
pub mod snapshot_face;
mod snapshots;
pub mod table_face;
mod tables;
mod zone;
