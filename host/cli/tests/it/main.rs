//! The programs' integration tests, in one program, with one file per subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test is a failed test"
)]

pub(crate) use tokenlatch_test_support as common;

mod careful;
mod catalogue;
mod commands;
mod db;
mod errors;
mod readme;
mod serve;
mod snapshot;
mod uapi;
mod web_served;
