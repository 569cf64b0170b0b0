//! The integration tests of the programs, in one program: each subject is a file.

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
