//! The programs' integration tests, in one program, with one file per subject.

pub(crate) use tokenlatch_test_support as common;

mod careful;
mod commands;
mod db;
mod errors;
mod readme;
mod serve;
mod snapshot;
mod uapi;
mod web_served;
