//! The module's two faces over `tokenlatch-core`.
//!
//! *The plain ABI* ([`abi`]) is for every host that can run WebAssembly. It takes JSON text in linear memory, and numbers on
//! the hot path. It uses no import, so a host without JavaScript may define every import as a trap.
//!
//! *The JavaScript face* ([`operations`], [`table_face`], [`snapshot_face`]) takes and returns JavaScript values. Only this
//! face asks the JavaScript clock, the local time zone and `crypto.getRandomValues` for values that the caller left out.
//!
//! This crate contains no token rules: both faces ask the core and return its answers.

pub mod abi;
mod address;
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
