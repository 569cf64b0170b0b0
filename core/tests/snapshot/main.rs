//! Signed snapshots at an edge: what it takes, what it refuses, and that it never admits what a table wouldn't.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod age;
mod bodies;
mod calls;
mod histories;
mod history;
mod hostile;
mod line;
mod origin;
mod shared;
mod spoil;
mod succession;
mod verdicts;
