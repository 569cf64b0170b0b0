//! The server's integration tests, in one program, with one file per subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test is a failed test"
)]

pub(crate) use tokenlatch_test_support as common;

mod api2;
mod client_address;
mod credentials;
mod forward_auth;
mod framing;
mod guard;
mod guard_routes;
mod guard_wire;
mod openapi;
mod raw_api;
mod snapshot;
mod time_limits;
mod tls;
mod uapi;
mod web_admin;
mod web_create;
mod web_forged;
mod web_guesses;
mod web_hostile;
mod web_late;
mod web_login;
mod web_sessions;
mod web_tokens;
mod whm;
