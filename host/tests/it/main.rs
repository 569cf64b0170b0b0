//! The library's integration tests, in one program, with one file per subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test is a failed test"
)]

pub(crate) use tokenlatch_test_support as common;

mod module_faults;
mod module_hostile;
mod service;
mod service_accounts;
mod service_functions;
mod snapshot_follower;
mod snapshot_publisher;
mod store;
mod store_archive;
mod store_changes;
mod store_faults;
mod store_files;
mod store_page;
mod store_sessions;
mod store_usage;
mod table;
mod verifier;
