//! Forms that are forged, stale, sent twice, or sent by the wrong user have no effect and reveal nothing.

use crate::common::NOW;
use crate::common::browser::{Browser, PASSWORD, encoded, value_of};
use crate::common::served::{Answer, Request, Running};
use tokenlatch::NewToken;
use tokenlatch::core::Access;

const ACCOUNT_FORMS: &[&str] = &[
    "/tokens",
    "/tokens/saved",
    "/tokens/revoke/confirm",
    "/tokens/revoke",
    "/tokens/ID/rename",
];
const ADMIN_FORMS: &[&str] = &[
    "/accounts/alice/features",
    "/accounts/alice/suspend",
    "/accounts/alice/resume",
    "/accounts/alice/revoke/confirm",
    "/accounts/alice/revoke",
];

/// Everything of alice that the forms could change, as text.
fn state_of(running: &Running) -> String {
    running.block_on(async {
        let store = running.state.service.store();
        let account = store.account("alice").await.unwrap().unwrap();
        let tokens = store.tokens("alice").await.unwrap();
        format!("{:?} {tokens:?}", account.account)
    })
}

/// Creates a token of alice, and returns its id.
fn token(running: &Running, name: &str) -> String {
    running.token(NewToken::new("alice", name, Access::Full));
    let names = [name.to_owned()];
    let found = running
        .block_on(running.state.service.store().tokens_named("alice", &names))
        .unwrap();
    found[0].record.id.clone()
}

/// Fields for any of the forms.
fn fields(id: &str) -> Vec<(&str, &str)> {
    vec![
        ("id", id),
        ("once", "a-1"),
        ("name", "made"),
        ("new_name", "renamed"),
        ("expiry", "never"),
        ("access", "full"),
        ("features", "none"),
        ("which", "some"),
    ]
}

/// The form for a new token, with its initial values.
fn creation(browser: &mut Browser, name: &str) -> Vec<(String, String)> {
    let page = browser.see("/tokens/new");
    assert_eq!(page.status, 200, "{page:?}");
    let hidden = |field| value_of(&page.body, field).unwrap();
    [
        ("csrf", hidden("csrf")),
        ("once", hidden("once")),
        ("name", name.to_owned()),
        ("expiry", "never".to_owned()),
    ]
    .into_iter()
    .chain([("access", "full".to_owned())])
    .map(|(field, value)| (field.to_owned(), value))
    .collect()
}

fn send(browser: &Browser, form: &[(String, String)]) -> Answer {
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let path = browser.path("/tokens");
    browser.clone().post(&path, &form)
}

/// The secret in a page, if there is one: 32 consecutive capital letters and digits.
fn secret_in(page: &str) -> Option<&str> {
    page.split(|letter: char| !(letter.is_ascii_uppercase() || letter.is_ascii_digit()))
        .find(|run| run.len() == 32)
}

#[test]
fn forms_without_the_csrf_value_do_nothing() {
    let running = Running::with_passwords();
    let id = token(&running, "kept");
    let mut alice = Browser::logged_in(&running, "alice");
    let mut root = Browser::administrator(&running, "root");
    let stale = Browser::logged_in(&running, "alice").csrf();
    let bobs = Browser::logged_in(&running, "bob").csrf();
    let before = state_of(&running);
    for (browser, paths) in [(&mut alice, ACCOUNT_FORMS), (&mut root, ADMIN_FORMS)] {
        let own = browser.csrf();
        for path in paths {
            let path = browser.path(&path.replace("ID", &id));
            for csrf in [
                None,
                Some(""),
                Some(stale.as_str()),
                Some(bobs.as_str()),
                Some(&own[..31]),
            ] {
                let value = csrf.map(|csrf| ("csrf", csrf));
                let form: Vec<_> = value.into_iter().chain(fields(&id)).collect();
                let answer = browser.post(&path, &form);
                assert_eq!(answer.status, 403, "{path} {csrf:?} {answer:?}");
                assert!(answer.body.contains("The form is out of date, so nothing was done."));
            }
            // With the CSRF value, but from another site or with another content type.
            let form: Vec<_> = [("csrf", own.as_str())].into_iter().chain(fields(&id)).collect();
            let post = || Request::new("POST", &path);
            for (request, status) in [
                (
                    post().form(&encoded(&form)).header("Origin", "https://evil.example"),
                    403,
                ),
                (post().form(&encoded(&form)).header("Sec-Fetch-Site", "cross-site"), 403),
                (post().form(&encoded(&form)).host("evil.example"), 421),
                (post().body("text/plain", &encoded(&form)), 415),
                (post().json("{\"csrf\":\"x\"}"), 415),
                (post().multipart(&form), 415),
                (post().form(&format!("{}&csrf=x", encoded(&form))), 400),
                (
                    post().form(&format!("{}&a={}", encoded(&form), "a".repeat(1 << 20))),
                    413,
                ),
            ] {
                assert_eq!(browser.send(request).status, status, "{path}");
            }
            // A form in the URL is ignored.
            let query = format!("{path}?{}", encoded(&form));
            assert_eq!(browser.post(&query, &[]).status, 403, "{path}");
            assert_ne!(browser.get(&query).status, 500);
        }
    }
    assert_eq!(state_of(&running), before);
}

#[test]
fn no_form_does_anything_once_the_session_has_ended() {
    let running = Running::with_passwords();
    let id = token(&running, "kept");
    let mut alice = Browser::logged_in(&running, "alice");
    let mut root = Browser::administrator(&running, "root");
    let before = state_of(&running);
    let values = [alice.csrf(), root.csrf()];
    running.clock.set(NOW + 3600);
    for (browser, paths, csrf) in [(alice, ACCOUNT_FORMS, &values[0]), (root, ADMIN_FORMS, &values[1])] {
        for path in paths {
            let path = browser.path(&path.replace("ID", &id));
            let form: Vec<_> = [("csrf", csrf.as_str())].into_iter().chain(fields(&id)).collect();
            let answer = browser.clone().post(&path, &form);
            assert_eq!(answer.status, 401, "{path}");
            assert!(answer.body.contains("Nothing was c"), "{answer:?}");
            assert!(answer.body.contains("<h1>Log in</h1>"));
            assert_eq!(secret_in(&answer.body), None);
        }
    }
    assert_eq!(state_of(&running), before);
}

#[test]
fn a_form_that_is_sent_twice_at_once_creates_one_token() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let form = creation(&mut alice, "made");
    let sent: Vec<_> = (0..12)
        .map(|_| {
            let (alice, form) = (alice.clone(), form.clone());
            std::thread::spawn(move || send(&alice, &form))
        })
        .collect();
    let answers: Vec<Answer> = sent.into_iter().map(|sent| sent.join().unwrap()).collect();
    let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    let [made] = made.as_slice() else {
        panic!("{} were made", made.len());
    };
    let secret = secret_in(&made.body).unwrap();
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(secret_in(&answer.body), None);
    }
    assert_eq!(made.header("cache-control"), Some("no-store"));
    // With another name it is still the same form.
    let mut renamed = form.clone();
    renamed[2].1 = "another".to_owned();
    assert_eq!(send(&alice, &renamed).status, 409);
    // Reload, back, forward: no page contains the secret.
    for path in [
        "/tokens",
        "/tokens/new",
        "/tokens/saved",
        "/tokens?search=made",
        "/tokens/name?name=made",
    ] {
        let page = alice.see(path);
        assert!(!page.body.contains(secret), "{path}");
        assert_ne!(page.header("cache-control"), None);
    }
    assert_eq!(
        running
            .block_on(running.state.service.store().tokens("alice"))
            .unwrap()
            .len(),
        1
    );
    assert!(!running.place.holds(secret.as_bytes()));
}

#[test]
fn a_form_is_good_in_its_own_session_only() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let form = creation(&mut alice, "made");
    // Two tabs: each form works once.
    let other_tab = creation(&mut alice, "second");
    assert_eq!(send(&alice, &other_tab).status, 200);
    // Another user with everything but the cookie.
    let mut bob = Browser::logged_in(&running, "bob");
    assert_eq!(send(&bob, &form).status, 403);
    bob.prefix.clone_from(&alice.prefix);
    assert_eq!(send(&bob, &form).status, 401);
    // A new login makes every earlier form stale.
    let mut again = alice.clone();
    again.log_in("alice");
    assert_eq!(send(&again, &form).status, 403);
    assert_eq!(send(&alice, &form).status, 401);
    let made = |user: &str| {
        running
            .block_on(running.state.service.store().tokens(user))
            .unwrap()
            .len()
    };
    assert_eq!((made("alice"), made("bob")), (1, 0));
}

#[test]
fn invalid_once_value_creates_nothing() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let long = "a".repeat(65);
    for once in ["", " ", "a b", "<b>", long.as_str(), "ä"] {
        let mut form = creation(&mut alice, "made");
        form[1].1 = once.to_owned();
        assert_eq!(send(&alice, &form).status, 403, "{once}");
    }
    let mut form = creation(&mut alice, "made");
    form.remove(1);
    assert_eq!(send(&alice, &form).status, 403);
    assert!(
        running
            .block_on(running.state.service.store().tokens("alice"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn tokens_of_others_look_like_missing_ones() {
    let running = Running::with_passwords();
    let id = token(&running, "kept");
    let before = state_of(&running);
    let mut bob = Browser::logged_in(&running, "bob");
    let unknown = "0".repeat(id.len());
    let path = |id: &str| format!("/tokens/{id}");
    let (theirs, none) = (bob.see(&path(&id)), bob.see(&path(&unknown)));
    assert_eq!((theirs.status, none.status), (404, 404));
    assert_eq!(theirs.body, none.body);
    let rename = bob.submit(&format!("/tokens/{id}/rename"), &[("new_name", "mine")]);
    assert!(matches!(rename.status, 404 | 409), "{rename:?}");
    bob.submit("/tokens/revoke", &[("id", &id)]);
    let asked = bob.submit("/tokens/revoke/confirm", &[("id", &id)]);
    assert!(!asked.body.contains("kept"), "{asked:?}");
    assert_eq!(state_of(&running), before);
}

#[test]
fn markup_in_form_fields_is_escaped() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let markup = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";
    let id = token(&running, "kept");
    let mut pages = Vec::new();
    for field in ["name", "date", "addresses", "feature", "expiry", "access", "readonly"] {
        let mut form = creation(&mut alice, "made");
        form.retain(|(name, _)| name != field);
        form.push((field.to_owned(), markup.to_owned()));
        for (name, value) in [("access", "limited"), ("expiry", "date")] {
            if name != field {
                form.retain(|(found, _)| found != name);
                form.push((name.to_owned(), value.to_owned()));
            }
        }
        pages.push(send(&alice, &form));
    }
    pages.push(alice.submit(&format!("/tokens/{id}/rename"), &[("new_name", markup)]));
    pages.push(alice.submit("/tokens/revoke/confirm", &[("id", markup)]));
    pages.push(alice.submit("/tokens/revoke", &[("id", markup)]));
    let query = encoded(&[
        ("search", markup),
        ("name", markup),
        ("done", markup),
        ("sort", markup),
        ("page", markup),
    ]);
    for path in ["/tokens", "/tokens/new", "/tokens/name", &format!("/tokens/{id}")] {
        pages.push(alice.see(&format!("{path}?{query}")));
    }
    let mut root = Browser::administrator(&running, "root");
    for path in ["/accounts", "/accounts/alice"] {
        pages.push(root.see(&format!("{path}?{query}")));
    }
    pages.push(root.submit("/accounts/alice/features", &[("which", "some"), ("features", markup)]));
    for page in pages {
        assert!(page.status < 500, "{page:?}");
        if page.header("content-type") == Some("application/json") {
            assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
            continue;
        }
        assert!(
            !page.body.contains("<script>") && !page.body.contains("<img"),
            "{page:?}"
        );
        assert!(
            !page.body.contains("\"onerror") && !page.body.contains("='\"'>"),
            "{page:?}"
        );
    }
}

#[test]
fn token_and_password_are_not_interchangeable() {
    let running = Running::with_passwords();
    let header = running.full("alice", "kept");
    let secret = header.rsplit(':').next().unwrap().to_owned();
    let mut browser = Browser::new(running.account);
    // A token is not a password.
    assert_eq!(browser.try_log_in("alice", &secret).status, 401);
    let request = Request::new("POST", "/login").authorization(&header);
    let answer = browser.send(request.form(&encoded(&[("user", "alice"), ("pass", "")])));
    assert_eq!(answer.status, 401);
    // A password is not a token.
    let wrong = format!("cpanel alice:{PASSWORD}");
    assert_eq!(running.get(&wrong, "/execute/Tokens/list").status, 401);
}
