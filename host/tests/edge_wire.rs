//! What the edge does with bytes, by raw sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test is a failed test"
)]

mod common;

use common::http::{Running, status};

#[test]
fn health_is_answered() {
    let server = Running::start();
    let reply = server.send(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&reply), 200, "{reply}");
    assert!(reply.ends_with(r#"{"status":"ok"}"#), "{reply}");
}
