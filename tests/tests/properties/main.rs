//! Compares the core with small models of its rules. They are written from core/OPERATIONS.md and share no code with the core.
//!
//! `PROPTEST_CASES=10000 cargo test -p tokenlatch-tests --test properties` runs more cases.
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
