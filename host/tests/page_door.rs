//! The door of the page: who comes in, for how long, and who doesn't.

#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test is a failed test"
)]

mod common;

use common::browser::{Browser, PASSWORD};
use common::served::Running;

#[test]
fn a_person_logs_in_sees_the_list_and_logs_out() {
    let running = Running::with_passwords();
    let mut alice = Browser::new(running.account);
    let first = alice.get("/");
    assert_eq!((first.status, first.header("location")), (303, Some("/login")));
    let form = alice.get("/login");
    assert_eq!(form.status, 200);
    assert!(form.body.contains("<h1>Log in</h1>"), "{form:?}");
    let answer = alice.try_log_in("alice", PASSWORD);
    assert_eq!(answer.status, 303, "{answer:?}");
    let place = answer.header("location").unwrap().to_owned();
    assert!(
        place.starts_with("/cpsess") && place.ends_with("/tokens") && place.len() == 24,
        "{place}"
    );
    let list = alice.get(&place);
    assert_eq!(list.status, 200, "{list:?}");
    assert!(list.body.contains("Signed in as <b>alice</b>"));
    assert!(list.body.contains("<h1>Manage API Tokens</h1>"));
    assert!(list.body.contains("Server time: UTC"));
    // Whoever is in is led on.
    assert_eq!(alice.get("/").header("location"), Some(place.as_str()));
    assert_eq!(alice.get("/login").header("location"), Some(place.as_str()));
    let csrf = alice.csrf();
    let before = alice.clone();
    let answer = alice.post("/logout", &[("csrf", &csrf)]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login?out=1")));
    assert!(alice.cookies.is_empty(), "{:?}", alice.cookies);
    assert!(alice.get("/login?out=1").body.contains("You are logged out."));
    // The session is gone, whoever kept its cookie.
    let mut kept = before;
    assert_eq!(kept.get(&place).status, 401);
}
