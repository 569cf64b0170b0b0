//! Core against small models of its rules, written here from core/OPERATIONS.md and sharing no code with it.
//!
//! `PROPTEST_CASES=10000 cargo test -p tokenlatch-tests --test properties` tries more.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod answers;
mod ask;
mod calendar;
mod dates;
mod headers;
mod json;
mod names;
mod table;
mod zones;
