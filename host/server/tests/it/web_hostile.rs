//! Attacks on the web interface: other sites, other host names, forged forms, markup, invalid input.

use crate::common;
use std::time::{Duration, Instant};

use crate::common::NOW;
use crate::common::browser::{Browser, PASSWORD, encoded, set_cookies, value_of};
use crate::common::served::{Answer, DENIED, Request, Running};
use tokenlatch::NewAccount;
use tokenlatch::core::{Account, Features, Policy};
use tokenlatch_server::{Config, FailureLimits, Server};
use zeroize::Zeroizing;

const MARKUP: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";

fn running() -> Running {
    let running = Running::with(|config| {
        config.logins = FailureLimits {
            per_address: 0,
            per_user: 0,
        }
    });
    running.give_passwords();
    running
}

/// Checks the header fields that every reply must have.
fn is_dressed(answer: &Answer) {
    let policy = answer
        .header("content-security-policy")
        .unwrap_or_else(|| panic!("{answer:?}"));
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|found| found == part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'));
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name} {answer:?}");
    }
    assert!(answer.header("permissions-policy").is_some());
    assert!(answer.header("cache-control").is_some());
    let same = |name: &str| answer.headers.iter().filter(|(found, _)| found == name).count();
    for name in [
        "content-security-policy",
        "content-type",
        "cache-control",
        "content-length",
    ] {
        assert!(same(name) <= 1, "{name} stands twice: {answer:?}");
    }
}

#[test]
fn every_reply_has_the_security_headers() {
    let running = running();
    let mut alice = Browser::logged_in(&running, "alice");
    let mut stranger = Browser::new(running.account);
    let list = alice.path("/tokens");
    let form = |body: &str| Request::new("POST", "/login").form(body);
    let kinds: Vec<(u16, Answer)> = vec![
        (200, alice.get(&list)),
        (200, stranger.get("/login")),
        (303, stranger.get("/")),
        (401, stranger.get(&list)),
        (401, stranger.try_log_in("alice", "wrong password")),
        (403, alice.post("/logout", &[("csrf", "x")])),
        (403, stranger.send(form("user=a").header("Origin", "null"))),
        (404, alice.see("/nothing")),
        (404, stranger.get("/assets/page.0123.css")),
        (405, stranger.send(Request::new("PUT", "/login"))),
        (400, stranger.send(form("user=%zz"))),
        (400, stranger.send(form("user=a&user=b"))),
        (400, stranger.get("/login?out=1&out=2")),
        (413, stranger.send(form(&format!("user={}", "a".repeat(17 << 10))))),
        (415, stranger.send(Request::new("POST", "/login").json("{}"))),
        (
            415,
            stranger.send(Request::new("POST", "/login").multipart(&[("user", "alice")])),
        ),
        (
            415,
            stranger.send(Request::new("POST", "/login").body("text/plain", "user=alice&pass=x")),
        ),
        (
            415,
            stranger.send(Request::new("POST", "/login").body("application/octet-stream", "user=alice&pass=x")),
        ),
        (
            415,
            stranger.send(Request::new("POST", "/login").untold("user=alice&pass=x")),
        ),
        (421, stranger.send(Request::new("GET", "/login").host("evil.example"))),
        (200, stranger.get("/favicon.ico")),
    ];
    for (status, answer) in kinds {
        assert_eq!(answer.status, status, "{answer:?}");
        is_dressed(&answer);
        if status != 200 || answer.header("content-type") == Some("text/html; charset=utf-8") {
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        }
        if status != 303 && answer.header("content-type") != Some("image/svg+xml") {
            assert!(answer.body.starts_with("<!doctype html>"), "{answer:?}");
        }
    }
    running.block_on(running.state.service.close());
    let answer = alice.get(&list);
    assert_eq!(answer.status, 503);
    is_dressed(&answer);
}

#[test]
fn throttled_login_has_the_security_headers() {
    let running = Running::with(|config| {
        config.logins = FailureLimits {
            per_address: 1,
            per_user: 0,
        }
    });
    let mut stranger = Browser::new(running.account);
    assert_eq!(stranger.try_log_in("a", "b").status, 401);
    let last = stranger.try_log_in("a", "b");
    assert_eq!(last.status, 429);
    is_dressed(&last);
}

#[test]
fn page_assets_are_local_and_cacheable() {
    let running = running();
    let mut stranger = Browser::new(running.account);
    let page = stranger.get("/login");
    let mut found = 0;
    for start in ["href=\"", "src=\"", "action=\""] {
        for rest in page.body.split(start).skip(1) {
            let path = rest.split('"').next().unwrap();
            assert!(path.starts_with('/') || path.starts_with('#'), "{path}");
            if path.starts_with("/assets/") {
                found += 1;
                let asset = stranger.get(path);
                assert_eq!(asset.status, 200);
                is_dressed(&asset);
                let kept = asset.header("cache-control");
                assert_eq!(kept, Some("public, max-age=31536000, immutable"), "{path}");
            }
        }
    }
    assert_eq!(found, 3);
    for word in ["style=", "onclick", "javascript:", "<script>"] {
        assert!(!page.body.contains(word), "{word}");
    }
}

#[test]
fn web_interface_leaves_api_paths_unchanged() {
    let running = running();
    for (path, status) in [
        ("/nothing", 404),
        ("/tokens", 404),
        ("/health", 200),
        ("/login/x", 404),
        ("/Login", 404),
    ] {
        let answer = Request::new("GET", path).host("any.example").send(running.account);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-security-policy"), None, "{path}");
        if status == 404 {
            assert_eq!(answer.json()["code"], "not_found");
        }
    }
    let header = running.full("alice", "a");
    let answer = Request::new("GET", "/execute/Tokens/list")
        .host("any.example")
        .header("Origin", "https://evil.example")
        .authorization(&header)
        .send(running.account);
    assert_eq!(answer.status, 200, "whoever has a token may come by any name");
    // A token opens no page, and a session calls no function.
    let answer = running.get(&header, "/cpsess0123456789/tokens");
    assert_eq!(answer.status, 401);
    let mut alice = Browser::logged_in(&running, "alice");
    assert_eq!(alice.get("/execute/Tokens/list").status, 401);
    // A session's number in front of the path changes nothing.
    let inside = alice.get(&alice.path("/execute/Tokens/list"));
    assert_eq!((inside.status, inside.body.as_str()), (401, DENIED));
}

#[test]
fn logout_without_the_csrf_value_does_nothing() {
    let running = running();
    let mut alice = Browser::logged_in(&running, "alice");
    let own = alice.csrf();
    let bob = Browser::logged_in(&running, "bob").csrf();
    let mut again = Browser::logged_in(&running, "alice");
    let other = again.csrf();
    assert_eq!(own.len(), 32);
    assert!(own != bob && own != other);
    let upper = own.to_uppercase();
    for wrong in ["", "x", bob.as_str(), other.as_str(), &own[1..], upper.as_str()] {
        let answer = alice.post("/logout", &[("csrf", wrong)]);
        assert_eq!(answer.status, 403, "{wrong}");
        assert!(answer.body.contains("The form is out of date"), "{answer:?}");
    }
    assert_eq!(alice.post("/logout", &[]).status, 403);
    assert_eq!(alice.post("/logout", &[("csrf", &own), ("csrf", "x")]).status, 400);
    // In the URL it is ignored, and a GET has no effect.
    let query = format!("/logout?csrf={own}");
    assert_eq!(alice.post(&query, &[]).status, 403);
    assert_eq!(alice.get(&query).status, 405);
    assert_eq!(alice.see("/tokens").status, 200, "still logged in");
    // The value of an earlier session is stale.
    alice.log_in("alice");
    assert_eq!(alice.post("/logout", &[("csrf", &own)]).status, 403);
}

#[test]
fn a_form_of_another_site_does_nothing() {
    let running = running();
    let mut alice = Browser::logged_in(&running, "alice");
    let csrf = alice.csrf();
    let own = format!("http://localhost:{}", 80);
    let logout = || Request::new("POST", "/logout").form(&encoded(&[("csrf", &csrf)]));
    let login = || Request::new("POST", "/login").form(&encoded(&[("user", "bob"), ("pass", PASSWORD)]));
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://localhost:8080"),
        ("Origin", "http://localhost.evil.example"),
        ("Origin", ""),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "same-origin, cross-site"),
        ("Sec-Fetch-Site", ""),
    ] {
        for request in [logout(), login()] {
            let answer = alice.send(request.header(name, value));
            assert_eq!(answer.status, 403, "{name}: {value}");
            assert!(answer.body.contains("another site"), "{answer:?}");
            assert_eq!(set_cookies(&answer), [""; 0]);
        }
        // One valid field does not outweigh an invalid one.
        let answer = alice.send(logout().header("Sec-Fetch-Site", "same-origin").header(name, value));
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
    let twice = logout().header("Origin", &own).header("Origin", "https://evil.example");
    assert_eq!(alice.send(twice).status, 403);
    assert!(alice.see("/tokens").body.contains("<b>alice</b>"));
    // Links from other sites may lead here.
    let linked = Request::new("GET", "/").header("Sec-Fetch-Site", "cross-site");
    assert_eq!(alice.send(linked).status, 303);
    let own_form = logout().header("Origin", &own).header("Sec-Fetch-Site", "same-origin");
    assert_eq!(alice.send(own_form).status, 303);
}

#[test]
fn web_interface_answers_only_to_its_own_hosts() {
    let running = Running::with(|config| config.hosts = vec!["Tokens.Example.com".to_owned()]);
    running.give_passwords();
    let ask = |host: &str| Request::new("GET", "/login").host(host).send(running.account).status;
    for host in [
        "localhost",
        "localhost:2083",
        "LOCALHOST",
        "127.0.0.1",
        "[::1]:2083",
        "tokens.example.com",
        "tokens.example.com.:8443",
    ] {
        assert_eq!(ask(host), 200, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "example.com",
        "192.0.2.1",
        "x.tokens.example.com",
        "a_b",
    ] {
        assert_eq!(ask(host), 421, "{host}");
    }
    assert_eq!(ask("localhost@evil.example"), 400);
    // A session cookie under another name is ignored.
    let mut alice = Browser::logged_in(&running, "alice");
    let path = alice.path("/tokens");
    let answer = alice.send(Request::new("GET", &path).host("evil.example"));
    assert_eq!(answer.status, 421);
    assert!(answer.body.contains("--host evil.example"), "{answer:?}");
    assert!(!answer.body.contains("alice"));
    assert_eq!(Request::new("GET", "/login").host("").send(running.account).status, 400);
}

#[test]
fn typed_markup_is_escaped() {
    let running = running();
    let mut browser = Browser::new(running.account);
    let fields = [("user", MARKUP), ("pass", MARKUP), ("to", MARKUP)];
    let answer = browser.post("/login", &fields);
    assert_eq!(answer.status, 401);
    assert_eq!(value_of(&answer.body, "to"), None);
    let user = value_of(&answer.body, "user").unwrap();
    assert_eq!(
        user.matches("&#").count(),
        MARKUP.matches(['"', '\'', '<', '>']).count(),
        "{user}"
    );
    // The module does not allow such user names, but the web interface must not rely on that.
    let odd = [
        "<b>bold</b>",
        "a\"onmouseover=alert(1)",
        "x'y&amp;z",
        "<script>alert(1)</script>",
    ];
    for (number, name) in odd.into_iter().enumerate() {
        let account = Account {
            user: name.to_owned(),
            suspended: false,
            administrator: false,
            features: Features::All,
        };
        let new = NewAccount {
            key: format!("{number:024}"),
            account,
            policy: Policy::default(),
            password: None,
        };
        running.block_on(async {
            let service = &running.state.service;
            service.store().add_account(&new, NOW).await.unwrap();
            let password = Zeroizing::new(PASSWORD.to_owned());
            service.set_password(name, password).await.unwrap();
        });
        let mut person = Browser::logged_in(&running, name);
        let page = person.see("/nothing");
        assert!(page.body.contains("Signed in as"), "{page:?}");
        assert!(!page.body.contains(name), "{page:?}");
        is_harmless(&page);
    }
    let answer = browser.send(Request::new("GET", "/login").host("a<b>"));
    assert!(!answer.body.contains("<b>"), "{answer:?}");
    for path in [
        "/cpsess0123456789/%3Cscript%3Ealert(1)%3C/script%3E",
        "/login?out=%3Cscript%3E&%3Cb%3E=1",
    ] {
        is_harmless(&browser.get(path));
    }
}

fn is_harmless(page: &Answer) {
    assert!(!page.body.contains("<script>") && !page.body.contains("<img") && !page.body.contains("\"onmouseover"));
}

#[test]
fn login_never_redirects_elsewhere() {
    let running = running();
    let mut alice = Browser::new(running.account);
    for to in [
        "https://evil.example/",
        "//evil.example/tokens",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/tokens/../../evil",
        "/tokens\r\nSet-Cookie: a=b",
        "/logout",
        "/accounts",
        "tokens",
        "@evil.example/tokens",
        ".evil.example/tokens",
    ] {
        let answer = alice.post("/login", &[("user", "alice"), ("pass", PASSWORD), ("to", to)]);
        let place = answer.header("location").unwrap();
        assert!(
            place.starts_with("/cpsess") && place.len() == 24 && place.ends_with("/tokens"),
            "{to}: {place}"
        );
        assert_eq!(set_cookies(&answer).len(), 1, "{to}");
    }
}

#[test]
fn invalid_cookies_create_no_session() {
    let running = running();
    let mut alice = Browser::logged_in(&running, "alice");
    let id = alice.cookies["cpsession"].clone();
    let list = alice.path("/tokens");
    let status = |cookie: &str| {
        let request = Request::new("GET", &list).header("Cookie", cookie);
        let answer = request.send(running.account);
        assert!(answer.status != 200 || answer.body.contains("<b>alice</b>"));
        answer.status
    };
    let good = format!("cpsession={id}");
    assert_eq!(status(&good), 200);
    assert_eq!(status(&format!("a=b; {good}; c")), 200);
    for number in 0..1000 {
        let rubbish = format!("cpsession={:022}", number * 7_919_u64);
        assert_eq!(status(&rubbish), 401, "{rubbish}");
    }
    for rubbish in [
        "cpsession",
        "cpsession=",
        "=",
        ";;;;",
        "cpsession=\"\"",
        "cpsession=%00",
        "cpsession=../../../etc/passwd",
        "cpsession=<script>",
        "CPSESSION=x",
    ] {
        assert_eq!(status(rubbish), 401, "{rubbish}");
    }
    for near in [
        id.to_lowercase(),
        id[..21].to_owned(),
        format!("{id}A"),
        format!("\"{id}\""),
        format!("%{id}"),
    ] {
        if near != id {
            assert_eq!(status(&format!("cpsession={near}")), 401, "{near}");
        }
    }
    // Of two session cookies, nobody can tell which one is right.
    assert_eq!(status(&format!("{good}; cpsession=AAAAAAAAAAAAAAAAAAAAAA")), 401);
    assert_eq!(status(&format!("%63psession=AAAAAAAAAAAAAAAAAAAAAA; {good}")), 200);
    let two = |first: &str, second: &str| {
        let request = Request::new("GET", &list)
            .header("Cookie", first)
            .header("Cookie", second);
        request.send(running.account).status
    };
    assert_eq!(two("a=b", &good), 200);
    assert_eq!(two(&good, "cpsession=x"), 401);
    let many = vec!["cpsession=AAAAAAAAAAAAAAAAAAAAAA"; 300].join("; ");
    assert_eq!(status(&many), 401);
    let huge = format!("a={}; {good}", "x".repeat(64 << 10));
    assert_eq!(status(&huge), 431);
    assert_eq!(alice.see("/tokens").status, 200);
    let rows = running.place.sessions();
    assert_eq!(rows, 1, "rubbish makes no row");
}

#[test]
fn anonymous_visitors_leave_nothing_behind() {
    let running = running();
    let mut stranger = Browser::new(running.account);
    for path in [
        "/",
        "/login",
        "/cpsess0123456789/tokens",
        "/cpsess0123456789/tokens/new",
    ] {
        stranger.get(path);
    }
    stranger.try_log_in("alice", "wrong password");
    stranger.post("/cpsess0123456789/tokens", &[("name", "a"), ("csrf", "b")]);
    stranger.post("/logout", &[]);
    assert!(stranger.cookies.is_empty());
    assert_eq!(running.place.sessions(), 0);
}

#[cfg(unix)]
#[test]
fn invalid_input_is_not_a_store_failure_on_postgresql() {
    common::database::over_postgres(async |database| {
        let service = database.service().await;
        let password = Zeroizing::new(PASSWORD.to_owned());
        service.set_password("alice", password).await.unwrap();
        let server = Server::bind(Config::plain(), service).await.unwrap();
        let (account, _) = server.addresses();
        tokio::spawn(server.run(std::future::pending::<()>()));
        let mut alice = Browser::new(account);
        for (user, status) in [
            ("a\0b", 400),
            ("a\nb", 401),
            ("ä€😀", 401),
            ("'; DROP TABLE accounts; --", 401),
        ] {
            assert_eq!(alice.try_log_in(user, PASSWORD).status, status, "{user:?}");
        }
        alice.log_in("alice");
        for (path, status) in [
            ("/tokens", 200),
            ("/tokens?search=%00", 400),
            ("/tokens?search=%27%25_%5C", 200),
            ("/tokens?search=%F0%9F%98%80", 200),
            ("/tokens?page=-1&sort=x&order=y&size=0", 200),
            ("/tokens?page=99999999999999999999", 200),
            ("/tokens/new?name=%00", 400),
            ("/tokens/name?name=%00", 400),
            ("/tokens/%F0%9F%98%80", 404),
        ] {
            assert_eq!(alice.see(path).status, status, "{path}");
        }
        for id in ["\0", "", "'", "😀"] {
            let answer = alice.submit("/tokens/revoke/confirm", &[("id", id)]);
            assert!(answer.status < 500, "{id:?} {answer:?}");
            let answer = alice.submit("/tokens/revoke", &[("id", id)]);
            assert!(answer.status < 500, "{id:?} {answer:?}");
        }
        let csrf = alice.csrf();
        assert_eq!(alice.post("/logout", &[("csrf", &csrf)]).status, 303);
        assert_eq!(alice.see("/tokens").status, 401);
    });
}

/// Time that a request may take in any case. Linear work takes a fraction of a second, and a few seconds on a busy machine.
/// Quadratic comparison took over 100 seconds for the longest lists. The module is interrupted before that, and the answer is
/// 503.
const FLOOR: Duration = Duration::from_secs(15);

/// The median time of a request in three tries. Each answer must have this status and contain these words.
fn median(what: &str, (status, words): (u16, &str), mut send: impl FnMut() -> Answer) -> Duration {
    let mut times: Vec<Duration> = (0..3)
        .map(|_| {
            let begun = Instant::now();
            let answer = send();
            let time = begun.elapsed();
            assert_eq!(answer.status, status, "{what}: {answer:?}");
            // A redirect has the words in its target.
            let said = [answer.header("location").unwrap_or_default(), &answer.body];
            assert!(
                said.iter().any(|text| text.contains(words)),
                "{what}: no `{words}` in {answer:?}"
            );
            time
        })
        .collect();
    times.sort_unstable();
    times[1]
}

/// `count` different items.
fn items(count: usize, separator: &str) -> String {
    let items: Vec<String> = (0..count).map(|number| format!("{number:x}")).collect();
    items.join(separator)
}

/// `count` parameters.
fn parameters(count: usize, name: impl Fn(usize) -> String) -> String {
    let all: Vec<String> = (0..count)
        .map(|number| format!("{}={number:x}", name(number)))
        .collect();
    all.join("&")
}

/// The features `f0`, `f1`…
fn features(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("f{number}")).collect()
}

/// A body of a given size, in items or in bytes.
type Body<'a> = &'a dyn Fn(usize) -> String;

/// A status, and words of the reply.
type Said<'a> = (u16, &'a str);

/// A request's largest size, and the answers to a sixteenth of it and to all of it.
struct Size<'a>(usize, Said<'a>, Said<'a>);

impl Size<'_> {
    fn check(&self, what: &str, mut send: impl FnMut(usize) -> Answer) {
        let Size(largest, to_small, to_large) = *self;
        let small = median(what, to_small, || send(largest / 16));
        let large = median(what, to_large, || send(largest));
        // Linear work takes 16 times as long, quadratic work 256 times.
        let most = FLOOR.max(small * 64);
        assert!(
            large < most,
            "{what}: {large:?} for {largest}, {small:?} for a sixteenth"
        );
    }
}

/// The answer is the same at both sizes.
fn always(largest: usize, status: u16, words: &str) -> Size<'_> {
    Size(largest, (status, words), (status, words))
}

#[test]
fn list_processing_time_grows_linearly() {
    const FEATURES: &str = "lists more features than the administrator allows";
    const ADDRESSES: &str = "lists more addresses than are allowed";
    const DONE: &str = r#""status":1,"#;
    let running = running();
    running.lift_caps("alice");
    let account = running.full("alice", "first");
    let limited = {
        let features = features(999);
        let features: Vec<&str> = features.iter().map(String::as_str).chain(["apitokens"]).collect();
        running.limited("alice", "limited", &features)
    };
    let administrator = running.administrator("first");
    // No request may end early because a name is taken.
    let made = std::cell::Cell::new(0_u32);
    let fresh = || {
        made.set(made.get() + 1);
        format!("fresh-{}", made.get())
    };
    let limit = |rest: String| format!("name={}&{rest}", fresh());
    let create = "/execute/Tokens/create_limited";
    let revoke = "/json-api/cpanel?cpanel_jsonapi_apiversion=2&cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=revoke";
    let api: &[(&str, &str, Size, Body)] = &[
        (&account, create, always(150_000, 200, FEATURES), &|n| {
            limit(format!("features={}", items(n, ",")))
        }),
        (&account, create, always(1_000, 200, DONE), &|n| {
            limit(format!("features={}", items(n, ",")))
        }),
        (&account, create, always(150_000, 200, ADDRESSES), &|n| {
            limit(format!("features=x&addresses={}", items(n, ",")))
        }),
        (&account, create, Size(4_000, (200, DONE), (200, FEATURES)), &|n| {
            limit(parameters(n, |at| format!("features-{at}")))
        }),
        (&account, create, always(1_000, 200, DONE), &|n| {
            limit(parameters(n, |at| format!("features-{at}")))
        }),
        (&account, create, always(4_000, 200, DONE), &|n| {
            limit(format!("features=x&{}", parameters(n, |at| format!("unknown{at}"))))
        }),
        (
            &account,
            create,
            always(900_000, 200, "may have at most 50 characters"),
            &|n| format!("features=x&name={}", "a".repeat(n)),
        ),
        (
            &account,
            create,
            Size(
                900_000,
                (200, "may contain only names of features"),
                (200, "The token would be larger than"),
            ),
            &|n| limit(format!("features={}", "x".repeat(n))),
        ),
        (
            &account,
            create,
            always(90_000, 200, "may contain only names of features"),
            &|n| limit(format!("features={}", "x".repeat(n))),
        ),
        (
            &account,
            "/execute/Tokens/create_full_access",
            always(900_000, 200, "must be whole Unix seconds"),
            &|n| limit(format!("expires_at={}", "1".repeat(n))),
        ),
        (
            &account,
            "/execute/Tokens/rename",
            always(900_000, 200, "may have at most 50 characters"),
            &|n| format!("name=first&new_name={}", "a".repeat(n)),
        ),
        (&account, "/execute/Tokens/revoke", always(900_000, 200, DONE), &|n| {
            format!("name={}", "a".repeat(n))
        }),
        (
            &account,
            "/execute/Tokens/set_addresses",
            always(150_000, 200, ADDRESSES),
            &|n| format!("name=first&addresses={}", items(n, ",")),
        ),
        // Each feature is looked up among those of the calling token.
        (&limited, create, always(999, 200, DONE), &|n| {
            limit(format!("features={}", features(n).join(",")))
        }),
        (
            &limited,
            create,
            always(999, 200, "may not give more than it has itself"),
            &|n| limit(format!("features={},other", features(n).join(","))),
        ),
        (&account, revoke, always(4_000, 200, r#""result":1"#), &|n| {
            format!("name=x&{}", parameters(n, |at| format!("k{at}")))
        }),
        (
            &administrator,
            "/json-api/api_token_revoke?api.version=1",
            always(150_000, 200, "has a value that is not allowed"),
            &|n| format!("token_name={}", items(n, ",")),
        ),
        (
            &administrator,
            "/json-api/api_token_revoke?api.version=1",
            Size(4_000, (200, r#""result":1"#), (200, "has a value that is not allowed")),
            &|n| parameters(n, |at| format!("token_name-{at}")),
        ),
        (
            &administrator,
            "/json-api/api_token_create?api.version=1",
            always(150_000, 200, FEATURES),
            &|n| format!("token_name={}&acl={}", fresh(), items(n, ",")),
        ),
        (
            &administrator,
            "/json-api/api_token_create?api.version=1",
            always(150_000, 200, ADDRESSES),
            &|n| format!("token_name={}&whitelist_ip={}", fresh(), items(n, ",")),
        ),
        (
            &administrator,
            "/json-api/api_token_update?api.version=1",
            always(150_000, 200, FEATURES),
            &|n| format!("token_name=first&acl={}", items(n, ",")),
        ),
        (
            &administrator,
            "/json-api/api_token_get_details?api.version=1",
            always(900_000, 200, r#""result":1"#),
            &|n| format!("token={}", "A".repeat(n)),
        ),
    ];
    for (authorization, target, size, body) in api {
        let port = if authorization.starts_with("whm") {
            running.admin
        } else {
            running.account
        };
        size.check(&format!("{target} {}", &body(2)), |count| {
            Request::new("POST", target)
                .authorization(authorization)
                .form(&body(count))
                .send(port)
        });
    }
    let json = |target: &str, json: &str| {
        Request::new("POST", target)
            .authorization(&account)
            .json(json)
            .send(running.account)
    };
    let array = |count| format!(r#"{{"name":"{}","features":["{}"]}}"#, fresh(), items(count, "\",\""));
    always(120_000, 200, FEATURES).check("an array in JSON", |count| json(create, &array(count)));
    always(1_000, 200, DONE).check("a short array in JSON", |count| json(create, &array(count)));
    let object = |count| format!(r#"{{"{}":1}}"#, items(count, "\":1,\""));
    always(90_000, 400, "The request has too many parameters.").check("an object in JSON", |count| {
        json("/execute/Tokens/list", &object(count))
    });
    always(4_000, 200, DONE).check("a short object in JSON", |count| {
        json("/execute/Tokens/list", &object(count))
    });

    let (mut alice, mut root) = (
        Browser::logged_in(&running, "alice"),
        Browser::administrator(&running, "root"),
    );
    let (alice_csrf, root_csrf) = (alice.csrf(), root.csrf());
    // Each form can be sent only once.
    let create = |rest: String| {
        let name = fresh();
        format!(
            "name={name}&expiry=never&access=limited&once={:032x}&{rest}",
            made.get()
        )
    };
    let pages: &[(bool, &str, Size, Body)] = &[
        (
            false,
            "/tokens",
            always(40_000, 422, "access-fault\">The administrator allows 1000 features"),
            &|n| create(format!("others={}", items(n, "+"))),
        ),
        (false, "/tokens", always(1_000, 200, "API Token Created"), &|n| {
            create(format!("others={}", items(n, "+")))
        }),
        (
            false,
            "/tokens",
            always(40_000, 422, "addresses-fault\">The administrator allows 100 addresses"),
            &|n| create(format!("others=x&addresses={}", items(n, "+"))),
        ),
        (
            false,
            "/tokens",
            Size(
                4_000,
                (200, "API Token Created"),
                (422, "access-fault\">The administrator allows 1000 features"),
            ),
            &|n| create(parameters(n, |_| "feature".to_owned())),
        ),
        (
            false,
            "/tokens",
            always(200_000, 422, "date-fault\">The expiry must be"),
            &|n| create(format!("others=x&date={}", "1".repeat(n))).replace("expiry=never", "expiry=date"),
        ),
        (
            false,
            "/tokens/revoke/confirm",
            always(4_000, 422, "There are no such API tokens any more."),
            &|n| parameters(n, |_| "id".to_owned()),
        ),
        (
            false,
            "/tokens/revoke",
            Size(4_000, (303, "gone=250"), (303, "gone=4000")),
            &|n| parameters(n, |_| "id".to_owned()),
        ),
        (
            false,
            "/tokens/revoke",
            Size(4_000, (303, "gone=250"), (303, "gone=4000")),
            &|n| format!("all=1&{}", parameters(n, |_| "shown".to_owned())),
        ),
        (
            true,
            "/accounts/bob/features",
            always(40_000, 422, "A list may hold at most 1000 features."),
            &|n| format!("features=list&was=*&list={}", items(n, "+")),
        ),
        (
            true,
            "/accounts/bob/features",
            always(40_000, 422, "The features were changed in the meantime"),
            &|n| format!("features=list&list=x&was={}", items(n, ",")),
        ),
        (
            true,
            "/accounts/bob/revoke",
            Size(4_000, (303, "gone=250"), (303, "gone=4000")),
            &|n| parameters(n, |_| "id".to_owned()),
        ),
    ];
    for (admin, rest, size, body) in pages {
        let (browser, csrf) = if *admin {
            (&mut root, &root_csrf)
        } else {
            (&mut alice, &alice_csrf)
        };
        size.check(&format!("{rest} {}", &body(2)), |count| {
            let form = format!("csrf={csrf}&{}", body(count));
            let request = Request::new("POST", &browser.path(rest)).form(&form);
            browser.send(request)
        });
    }
}
