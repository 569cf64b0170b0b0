//! Forms whose bodies are held back: the permissions at the end of the body count.

use crate::common::browser::{Browser, encoded, value_of};
use crate::common::served::{Request, Running};

/// A request with a user's cookies.
fn by(browser: &Browser, rest: &str, fields: &[(&str, &str)]) -> Request {
    let (name, id) = browser.cookies.iter().next().unwrap();
    Request::new("POST", &browser.path(rest))
        .header("Cookie", &format!("{name}={id}"))
        .form(&encoded(fields))
}

#[test]
fn form_completed_after_logout_does_nothing() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let csrf = alice.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("once", "a-1"),
        ("name", "late"),
        ("expiry", "never"),
        ("access", "full"),
    ];
    let (one, two) = (by(&alice, "/tokens", &fields), by(&alice, "/tokens", &fields));
    let (one, two) = (one.hold(running.account), two.hold(running.account));
    // A form that is completed in time has its effect.
    let mut page = alice.see("/tokens/new").body;
    let once = value_of(&page, "once").unwrap();
    let in_time = by(
        &alice,
        "/tokens",
        &[fields[0], ("once", &once), ("name", "ci"), fields[3], fields[4]],
    );
    page = in_time.hold(running.account).finish().body;
    assert!(page.contains("API Token Created"), "{page}");
    alice.post("/logout", &[("csrf", &csrf)]);
    let answer = one.finish();
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(answer.body.contains("Nothing was created.") && answer.body.contains("<h1>Log in</h1>"));
    assert!(!answer.body.contains("Signed in"));
    assert!(answer.body.contains("value=\"/tokens/new?name=late\""), "{answer:?}");
    // The password is changed elsewhere, and the user is logged in again, with a new session.
    alice.log_in("alice");
    assert_eq!(two.finish().status, 401);
    let tokens = running
        .block_on(running.state.service.store().live_tokens("alice"))
        .unwrap();
    assert_eq!(tokens.len(), 1);
}

#[test]
fn form_of_a_former_administrator_does_nothing() {
    let running = Running::with_passwords();
    let mut root = Browser::administrator(&running, "root");
    let csrf = root.csrf();
    let late = by(&root, "/accounts/bob/suspend", &[("csrf", &csrf)]).hold(running.admin);
    running
        .block_on(running.state.service.set_administrator("root", false))
        .unwrap();
    let answer = late.finish();
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(answer.body.contains("Nothing was changed."));
    let bob = running.block_on(running.state.service.account("bob")).unwrap();
    assert!(!bob.account.suspended);
}
