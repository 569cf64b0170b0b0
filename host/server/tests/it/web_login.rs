//! Login to the web interface: who may log in, and for how long.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::common::browser::{Browser, PASSWORD, set_cookies, value_of};
use crate::common::served::{Answer, Request, Running};
use crate::common::{NOW, module};
use tokenlatch::Service;
use tokenlatch::core::Features;
use tokenlatch_server::{Config, FailureLimits, Server, SessionLimits};
use zeroize::Zeroizing;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

/// A server with other settings, on which every user has a password.
fn told(tell: impl FnOnce(&mut Config)) -> Running {
    let running = Running::with(tell);
    running.give_passwords();
    running
}

/// The error message of a page.
fn alert(answer: &Answer) -> &str {
    let (_, rest) = answer
        .body
        .split_once("role=\"alert\">")
        .unwrap_or_else(|| panic!("no alert: {answer:?}"));
    rest.split("</div>").next().unwrap()
}

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
    // Logged-in users are redirected.
    for path in ["/", "/login", &alice.path(""), &alice.path("/")] {
        assert_eq!(alice.get(path).header("location"), Some(place.as_str()), "{path}");
    }
    let csrf = alice.csrf();
    let mut kept = alice.clone();
    let answer = alice.post("/logout", &[("csrf", &csrf)]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login?out=1")));
    assert!(alice.cookies.is_empty(), "{:?}", alice.cookies);
    assert!(alice.get("/login?out=1").body.contains("You are logged out."));
    // The session is gone, also for a copy of its cookie.
    assert_eq!(kept.get(&place).status, 401);
    // Logging out twice is not an error.
    let again = kept.post("/logout", &[("csrf", &csrf)]);
    assert_eq!(again.status, 303);
}

/// Whether the page has a field for the password.
fn asks_for_password(answer: &Answer) -> bool {
    answer.body.contains("name=\"pass\"")
}

#[test]
fn login_form_is_hidden_if_the_cookie_would_be_lost() {
    let running = told(|config| {
        config.hosts = vec!["tokens.example".to_owned()];
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let login = |host: &str| Request::new("GET", "/login").host(host);
    let behind = |host: &str, scheme: &str| {
        let request = login(host).header("X-Forwarded-For", "192.0.2.7");
        match scheme {
            "" => request,
            scheme => request.header("X-Forwarded-Proto", scheme),
        }
    };
    // Without a proxy, over plain HTTP: browsers keep a secure cookie only from loopback hosts.
    for (request, kept) in [
        (login("localhost"), true),
        (login("localhost:2083"), true),
        (login("127.0.0.1"), true),
        (login("[::1]:2083"), true),
        (login("tokens.example"), false),
        (login("tokens.example:2083"), false),
        // Behind a proxy its header field counts. Without the field nothing is known.
        (behind("tokens.example", "https"), true),
        (behind("tokens.example", ""), true),
        (behind("tokens.example", "http"), false),
        (behind("localhost", "http"), false),
    ] {
        let answer = request.send(running.account);
        assert_eq!(answer.status, 200, "{request:?}");
        assert_eq!(asks_for_password(&answer), kept, "{request:?} {answer:?}");
        assert_eq!(answer.body.contains("is not encrypted"), !kept, "{request:?}");
    }
    // A path that needs a login shows the same message, and so does the form, before the password is checked.
    let inside = Request::new("GET", "/cpsess0123456789/tokens").host("tokens.example");
    let answer = inside.send(running.account);
    assert_eq!((answer.status, asks_for_password(&answer)), (401, false));
    let form = |script: &str| {
        Request::new("POST", "/login")
            .host("tokens.example")
            .form(&format!("user=alice&pass=correct+horse+battery{script}"))
            .send(running.account)
    };
    let before = running.state.service.passwords_hashed();
    let answer = form("");
    assert_eq!((answer.status, asks_for_password(&answer)), (403, false));
    assert_eq!(running.state.service.passwords_hashed(), before);
    assert_eq!(set_cookies(&answer), [""; 0]);
    // Scripts have their own rules for cookies.
    assert_eq!(form("&login_only=1").status, 200);
}

#[test]
fn browser_without_cookies_gets_an_explanation() {
    let running = Running::with_passwords();
    let mut alice = Browser::new(running.account);
    let place = alice
        .try_log_in("alice", PASSWORD)
        .header("location")
        .unwrap()
        .to_owned();
    let after = Request::new("GET", &place).header("Referer", "http://localhost/login");
    let answer = after.send(running.account);
    assert_eq!(answer.status, 401);
    assert!(alert(&answer).contains("did not send the cookie"), "{answer:?}");
    // Another user who is not logged in gets the usual message.
    let answer = Request::new("GET", &place).send(running.account);
    assert!(alert(&answer).contains("You are not logged in."), "{answer:?}");
}

#[test]
fn password_is_unicode_normalised() {
    let running = Running::with_passwords();
    let log_in = |password: &str| Browser::new(running.account).try_log_in("alice", password).status;
    // Composed and decomposed letters, Hangul, and other kinds of spaces (RFC 8265, section 4.3).
    for (set, typed) in [
        ("p\u{e4}ssw\u{f6}rter", "pa\u{308}sswo\u{308}rter"),
        ("pa\u{308}sswo\u{308}rter", "p\u{e4}ssw\u{f6}rter"),
        (
            "\u{d55c}\u{ad6d}\u{c5b4}",
            "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}\u{110b}\u{1165}",
        ),
        ("correct horse", "correct\u{a0}horse"),
        ("correct\u{3000}horse", "correct horse"),
    ] {
        let password = Zeroizing::new(set.to_owned());
        running
            .block_on(running.state.service.set_password("alice", password))
            .unwrap();
        for same in [set, typed] {
            assert_eq!(log_in(same), 303, "{set:?} {same:?}");
        }
    }
    // Nothing else is folded: neither case, nor width, nor look-alikes.
    for other in [
        "Correct horse",
        "correct  horse",
        "correct horse ",
        "\u{ff43}orrect horse",
        "correct h\u{43e}rse",
    ] {
        assert_eq!(log_in(other), 401, "{other:?}");
    }
    let tab = running.block_on(
        running
            .state
            .service
            .set_password("alice", Zeroizing::new("a\ttab and more".to_owned())),
    );
    assert_eq!(tab.unwrap_err().code(), "password_character");
}

#[test]
fn every_failed_login_gets_the_same_message() {
    let running = told(|config| {
        config.logins = FailureLimits {
            per_address: 0,
            per_user: 0,
        }
    });
    running.block_on(async {
        let service = &running.state.service;
        service.add_account("blank", Features::All).await.unwrap();
        service.set_suspended("bob", true).await.unwrap();
    });
    let mut browser = Browser::new(running.account);
    let mut bodies = Vec::new();
    let long = "x".repeat(1025);
    for (user, password) in [
        ("alice", "wrong password"),
        ("alice", ""),
        ("alice", long.as_str()),
        ("nobody", PASSWORD),
        ("blank", PASSWORD),
        ("blank", ""),
        ("bob", "wrong password"),
        ("ALICE", PASSWORD),
        ("", PASSWORD),
        ("alice\n", PASSWORD),
    ] {
        let answer = browser.try_log_in(user, password);
        assert_eq!(answer.status, 401, "{user} {answer:?}");
        assert_eq!(alert(&answer), "The login is invalid.");
        assert_eq!(answer.header("www-authenticate"), Some("Cookie realm=\"tokenlatch\""));
        assert_eq!(set_cookies(&answer), [""; 0]);
        if user.len() == 5 && user.is_ascii() && !user.contains(char::is_control) || user == "nobody" {
            bodies.push(answer.body.replace(user, "USER"));
        }
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    // Only a user who knows the password learns more.
    let answer = browser.try_log_in("bob", PASSWORD);
    assert_eq!(answer.status, 403);
    assert!(alert(&answer).contains("suspended"), "{answer:?}");
    assert!(browser.cookies.is_empty());
}

#[test]
fn script_login_is_answered_in_json() {
    let running = Running::with_passwords();
    let mut browser = Browser::new(running.account);
    let fields = [("user", "alice"), ("pass", PASSWORD), ("login_only", "1")];
    let answer = browser.post("/login", &fields);
    assert_eq!(answer.status, 200, "{answer:?}");
    let said = answer.json();
    assert_eq!(said["status"], 1);
    let token = said["security_token"].as_str().unwrap();
    assert_eq!(said["redirect"].as_str().unwrap(), format!("{token}/tokens"));
    assert_eq!(browser.get(&format!("{token}/tokens")).status, 200);
    let wrong = [("user", "alice"), ("pass", "no"), ("login_only", "1")];
    let answer = browser.post("/login", &wrong);
    assert_eq!((answer.status, answer.json()["status"].clone()), (401, 0.into()));
    // For every way to fail.
    for _ in 0..10 {
        browser.post("/login", &wrong);
    }
    let answer = browser.post("/login", &wrong);
    assert_eq!((answer.status, answer.json()["status"].clone()), (429, 0.into()));
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    let running = Running::with_passwords();
    running.block_on(running.state.service.close());
    let answer = Browser::new(running.account).post("/login", &fields);
    assert_eq!((answer.status, answer.json()["status"].clone()), (503, 0.into()));
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn session_cookie_is_http_only_secure_and_same_site() {
    let running = Running::with_passwords();
    for (port, name, user) in [
        (running.account, "cpsession", "alice"),
        (running.admin, "whostmgrsession", "root"),
    ] {
        let answer = Browser::new(port).try_log_in(user, PASSWORD);
        let [cookie] = set_cookies(&answer)[..] else {
            panic!("{answer:?}");
        };
        let mut parts: Vec<&str> = cookie.split("; ").collect();
        let (found, id) = parts.remove(0).split_once('=').unwrap();
        assert_eq!((found, id.len()), (name, 22));
        parts.sort_unstable();
        assert_eq!(parts, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
        // The store has only a hash of the id.
        assert!(!running.place.holds_in_database(id.as_bytes()));
    }
}

#[test]
fn a_reply_sets_no_cookie_without_need() {
    let running = Running::with_passwords();
    let mut stranger = Browser::new(running.account);
    for path in [
        "/",
        "/login",
        "/cpsess0123456789/tokens",
        "/assets/none",
        "/favicon.ico",
    ] {
        assert_eq!(set_cookies(&stranger.get(path)), [""; 0], "{path}");
    }
    let mut alice = Browser::logged_in(&running, "alice");
    running.clock.set(NOW + 5 * MINUTE);
    for path in ["/", "/login", &alice.path("/tokens"), &alice.path("/nothing")] {
        assert_eq!(set_cookies(&alice.get(path)), [""; 0], "{path}");
    }
}

#[test]
fn admin_port_admits_only_administrators() {
    let running = Running::with_passwords();
    let mut browser = Browser::new(running.admin);
    let answer = browser.try_log_in("alice", PASSWORD);
    assert_eq!((answer.status, alert(&answer)), (401, "The login is invalid."));
    let answer = browser.try_log_in("root", PASSWORD);
    assert!(answer.header("location").unwrap().ends_with("/accounts"));
    let page = browser.see("/accounts");
    assert_eq!(page.status, 200);
    assert!(page.body.contains(">Administrator<"), "{page:?}");
    // The administrator's own tokens are on the account port, like any user's.
    assert_eq!(Browser::logged_in(&running, "root").see("/tokens").status, 200);
    running.block_on(async {
        running.state.service.set_administrator("root", false).await.unwrap();
    });
    assert_eq!(browser.see("/accounts").status, 401);
}

#[test]
fn session_is_invalid_on_the_other_port() {
    let running = Running::with_passwords();
    let root = Browser::logged_in(&running, "root");
    let id = root.cookies.get("cpsession").unwrap().clone();
    let mut other = Browser::new(running.admin);
    other.cookies.insert("cpsession".to_owned(), id.clone());
    assert_eq!(other.get(&root.path("/accounts")).status, 401);
    other.cookies.insert("whostmgrsession".to_owned(), id);
    assert_eq!(other.get(&root.path("/accounts")).status, 401);
    assert_eq!(other.get("/").header("location"), Some("/login"));
}

#[test]
fn an_address_without_the_sessions_number_is_refused() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let number: u64 = alice.prefix["/cpsess".len()..].parse().unwrap();
    let wrong = format!("/cpsess{:010}/tokens", (number + 1) % 10_000_000_000);
    let answer = alice.get(&wrong);
    assert_eq!(answer.status, 401);
    assert!(alert(&answer).contains("another session"), "{answer:?}");
    assert!(!answer.body.contains(&alice.prefix));
    assert!(!answer.body.contains("Signed in"));
    // The request does not end the session.
    assert_eq!(alice.see("/tokens").status, 200);
    for path in [
        "/tokens",
        "/cpsess/tokens",
        "/cpsess012345678/tokens",
        "/cpsess01234567890/tokens",
        "/cpsess012345678x/",
    ] {
        let answer = alice.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
}

#[test]
fn login_replaces_the_session_id() {
    let running = Running::with_passwords();
    // An id that the attacker invented.
    let mut alice = Browser::new(running.account);
    let made_up = "AAAAAAAAAAAAAAAAAAAAAA";
    alice.cookies.insert("cpsession".to_owned(), made_up.to_owned());
    alice.log_in("alice");
    assert_ne!(alice.cookies["cpsession"], made_up);
    // The attacker's own session, placed in another user's browser.
    let bob = Browser::logged_in(&running, "bob");
    let mut victim = bob.clone();
    victim.log_in("alice");
    assert_ne!(victim.cookies["cpsession"], bob.cookies["cpsession"]);
    assert_ne!(victim.prefix, bob.prefix);
    assert!(victim.see("/tokens").body.contains("<b>alice</b>"));
    for prefix in [&bob.prefix, &victim.prefix] {
        let answer = bob.clone().get(&format!("{prefix}/tokens"));
        assert_eq!(answer.status, 401, "the old session is gone");
    }
}

#[test]
fn a_session_ends_when_it_is_idle() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    running.clock.set(NOW + 30 * MINUTE - 1);
    assert_eq!(alice.see("/tokens").status, 200);
    // Each request extends the session.
    running.clock.set(NOW + 60 * MINUTE - 2);
    assert_eq!(alice.see("/tokens").status, 200);
    running.clock.set(NOW + 90 * MINUTE - 2);
    let mut other_tab = alice.clone();
    let answer = alice.see("/tokens");
    assert_eq!(answer.status, 401);
    assert!(alert(&answer).starts_with("Your session has ended."), "{answer:?}");
    assert!(answer.body.contains("<h1>Log in</h1>"));
    // A clock that is set back does not revive a session.
    running.clock.set(NOW + 60 * MINUTE);
    assert_eq!(other_tab.see("/tokens").status, 401);
}

#[test]
fn session_ends_after_its_maximum_lifetime() {
    let running = told(|config| {
        config.sessions = SessionLimits {
            idle: Duration::from_secs(2 * 3600),
            lifetime: Duration::from_secs(3 * 3600),
        };
    });
    let mut alice = Browser::logged_in(&running, "alice");
    for at in [HOUR, 2 * HOUR, 3 * HOUR - 1] {
        running.clock.set(NOW + at);
        assert_eq!(alice.see("/tokens").status, 200, "{at}");
    }
    running.clock.set(NOW + 3 * HOUR);
    assert_eq!(alice.see("/tokens").status, 401);
}

#[test]
fn two_tabs_share_a_session_and_a_second_login_ends_the_first() {
    let running = Running::with_passwords();
    let mut one = Browser::logged_in(&running, "alice");
    let mut two = one.clone();
    assert_eq!(one.see("/tokens").status, 200);
    assert_eq!(two.see("/tokens").status, 200);
    let first = one.prefix.clone();
    one.log_in("alice");
    // Tabs share the cookies.
    two.cookies.clone_from(&one.cookies);
    assert_eq!(two.prefix, first);
    let answer = two.see("/tokens");
    assert_eq!(answer.status, 401);
    assert!(alert(&answer).contains("another session"));
    assert_eq!(two.get("/").header("location"), Some(one.path("/tokens").as_str()));
    // Another browser has its own session, which continues.
    let mut elsewhere = Browser::logged_in(&running, "alice");
    assert_eq!(one.see("/tokens").status, 200);
    assert_eq!(elsewhere.see("/tokens").status, 200);
}

#[test]
fn account_changes_log_the_user_out_at_once() {
    let running = Running::with_passwords();
    let service = running.state.service.clone();
    let out = |browser: &mut Browser| {
        let answer = browser.see("/tokens");
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.body.contains("<h1>Log in</h1>"));
        assert!(browser.cookies.is_empty(), "the cookie is taken back");
    };
    let mut alice = Browser::logged_in(&running, "alice");
    let new = Zeroizing::new("another password".to_owned());
    running.block_on(service.set_password("alice", new)).unwrap();
    out(&mut alice);
    let mut bob = Browser::logged_in(&running, "bob");
    running.block_on(service.set_suspended("bob", true)).unwrap();
    out(&mut bob);
    running.block_on(service.set_suspended("bob", false)).unwrap();
    assert_eq!(bob.see("/tokens").status, 401, "it does not come back");
    bob.log_in("bob");
    running.block_on(service.rename_account("bob", "robert")).unwrap();
    out(&mut bob);
    bob.log_in("root");
    running.block_on(service.remove_account("root")).unwrap();
    out(&mut bob);
}

#[test]
fn unreadable_session_ends_and_allows_a_new_login() {
    let running = Running::with_passwords();
    for data in ["{}", "{\"user\":\"alice\",\"number\":7}", "null", "[]"] {
        let mut alice = Browser::logged_in(&running, "alice");
        running.place.damage_sessions(data);
        let answer = alice.see("/tokens");
        assert_eq!(answer.status, 401, "{data} {answer:?}");
        assert!(alert(&answer).starts_with("Your session has ended."), "{answer:?}");
        assert_eq!(running.place.sessions(), 0, "{data}");
        assert!(alice.cookies.is_empty());
        alice.log_in("alice");
        running.place.damage_sessions(data);
        alice.log_in("alice");
        assert_eq!(alice.see("/tokens").status, 200);
        let csrf = alice.csrf();
        alice.post("/logout", &[("csrf", &csrf)]);
    }
}

/// Another server on the same store, with the same clock.
fn another(running: &Running) -> SocketAddr {
    running.block_on(async {
        let store = running.place.store().await;
        let service = Service::new(module(), store).with_clock(running.clock.clone());
        let server = Server::bind(Config::plain(), service).await.unwrap();
        let (account, _) = server.addresses();
        tokio::spawn(server.run(std::future::pending::<()>()));
        account
    })
}

#[test]
fn sessions_that_have_ended_are_cleared_away() {
    let running = Running::with_passwords();
    Browser::logged_in(&running, "alice");
    assert_eq!(running.place.sessions(), 1);
    running.clock.set(NOW + HOUR);
    // Each server looks at its start, and periodically.
    another(&running);
    let begun = Instant::now();
    while running.place.sessions() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sessions_outlast_a_restart() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    alice.port = another(&running);
    assert_eq!(alice.see("/tokens").status, 200);
}

#[test]
fn store_failure_is_answered_503_and_admits_nobody() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let mut fresh = Browser::new(running.account);
    running.block_on(running.state.service.close());
    let cookies = alice.cookies.clone();
    for answer in [
        alice.get("/"),
        alice.see("/tokens"),
        alice.get("/login"),
        alice.post("/logout", &[("csrf", "x")]),
        submit_blindly(&mut alice, "/tokens"),
        fresh.try_log_in("alice", PASSWORD),
        fresh.try_log_in("alice", "wrong password"),
    ] {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(alert(&answer).contains("nothing was changed"));
        assert!(!answer.body.contains("Signed in"));
    }
    assert_eq!(alice.cookies, cookies, "the session may go on when the store does");
    assert!(fresh.cookies.is_empty());
    // Paths that need no store still work.
    assert_eq!(fresh.get("/login").status, 200);
    assert_eq!(fresh.get("/favicon.ico").status, 200);
}

fn submit_blindly(browser: &mut Browser, rest: &str) -> Answer {
    let path = browser.path(rest);
    browser.post(&path, &[("csrf", "x"), ("name", "ci")])
}

#[test]
fn failed_logins_are_throttled_for_any_user_name() {
    for user in ["alice", "nobody"] {
        let running = Running::with_passwords();
        let mut browser = Browser::new(running.account);
        for _ in 0..10 {
            assert_eq!(browser.try_log_in(user, "wrong password").status, 401);
        }
        let answer = browser.try_log_in(user, "wrong password");
        assert_eq!(answer.status, 429);
        let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(alert(&answer).contains("too many failed logins"));
        // The right password is refused now too. Otherwise it could be found by guessing.
        assert_eq!(browser.try_log_in("alice", PASSWORD).status, 429);
        assert!(browser.cookies.is_empty());
        // The API has its own limits.
        let header = running.full("alice", "a");
        assert_eq!(running.get(&header, "/execute/Tokens/list").status, 200);
    }
}

#[test]
fn login_returns_to_the_requested_page() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let csrf = alice.csrf();
    running.clock.set(NOW + HOUR);
    let before = running
        .block_on(running.state.service.store().live_tokens("alice"))
        .unwrap();
    // In the middle of creating a token.
    let path = alice.path("/tokens");
    let fields = [
        ("csrf", csrf.as_str()),
        ("once", "a-1"),
        ("name", "ci\"<b>"),
        ("expiry", "never"),
    ];
    let answer = alice.post(&path, &fields);
    assert_eq!(answer.status, 401);
    let said = alert(&answer);
    assert!(
        said.contains("session has ended") && said.contains("Nothing was created."),
        "{said}"
    );
    let after = running
        .block_on(running.state.service.store().live_tokens("alice"))
        .unwrap();
    assert_eq!((before.len(), after.len()), (0, 0));
    let to = value_of(&answer.body, "to").unwrap();
    assert_eq!(to, "/tokens/new?name=ci%22%3Cb%3E");
    let fields = [("user", "alice"), ("pass", PASSWORD), ("to", to.as_str())];
    let answer = alice.post("/login", &fields);
    let place = answer.header("location").unwrap();
    assert!(place.starts_with("/cpsess") && place.ends_with(&to), "{place}");
    // A wrong password does not lose the target.
    let fields = [("user", "alice"), ("pass", "wrong password"), ("to", to.as_str())];
    assert_eq!(value_of(&alice.post("/login", &fields).body, "to"), Some(to));
}

#[test]
fn web_interface_answers_head_and_refuses_other_methods() {
    let running = Running::with_passwords();
    let mut alice = Browser::logged_in(&running, "alice");
    let path = alice.path("/tokens");
    for path in ["/login", "/favicon.ico", path.as_str()] {
        let answer = alice.send(Request::new("HEAD", path));
        assert!(matches!(answer.status, 200 | 303), "{path} {answer:?}");
        assert_eq!(answer.body, "");
    }
    for path in ["/", "/login", "/logout", "/favicon.ico", path.as_str()] {
        let answer = alice.send(Request::new("DELETE", path));
        assert_eq!(answer.status, 405, "{path}");
        assert!(answer.header("allow").is_some(), "{path} {answer:?}");
        assert!(alert(&answer).contains("method"));
    }
    assert_eq!(alice.get("/logout").status, 405);
}
