//! Where a token may stand, by the operator's choice, and the form of refusals.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::common::edges;
use crate::common::module;
use crate::common::served::{Answer, DENIED, Request, Running};
use tokenlatch::core::{Access, Catalogue, Route};
use tokenlatch::{Follower, FollowerOptions, NewToken};
use tokenlatch_server::{Config, EdgeServer, Refusals};

const PATIENCE: Duration = Duration::from_secs(20);

/// The head of each request that an API gets, in lower case.
fn api() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, heads) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            // The receiver is gone once the test is over.
            let _ = stream.write_all(answer.as_bytes());
            let _ = sender.send(String::from_utf8_lossy(&head).to_lowercase());
        }
    });
    (address, heads)
}

fn orders() -> Catalogue {
    let route = |path: &str, public: bool| Route {
        method: "GET".to_owned(),
        path: path.to_owned(),
        feature: (!public).then(|| "orders".to_owned()),
        writes: false,
        public,
    };
    Catalogue {
        routes: vec![route("/orders", false), route("/open", true)],
        ..Catalogue::default()
    }
}

fn guarding(config: &mut Config, api: SocketAddr, credentials: &[&str]) {
    config.guard_listen = Some(config.listen);
    config.upstream = Some(format!("http://{api}").parse().unwrap());
    config.credentials = Some(credentials.iter().map(|text| (*text).to_owned()).collect());
}

/// A server with a listener for routes, and a token of alice.
fn guarded(api: SocketAddr, tell: impl FnOnce(&mut Config)) -> (Running, SocketAddr, String) {
    let running = Running::with(|config| {
        guarding(config, api, &["bearer", "cpanel", "whm"]);
        config.credentials = None;
        tell(config);
    });
    let served = running.state.verifier.set_catalogue(Some(orders()));
    running.block_on(served).unwrap();
    let (guard, token) = (running.guard.unwrap(), full(&running));
    (running, guard, token)
}

fn full(running: &Running) -> String {
    running.token(NewToken::new("alice", "full", Access::Full))
}

fn send(to: SocketAddr, target: &str, fields: &[(&str, &str)]) -> Answer {
    let request = Request::new("GET", target);
    let fields = fields.iter();
    fields
        .fold(request, |request, (name, value)| request.header(name, value))
        .send(to)
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| {
            bits << 8 | group.get(at).copied().map_or(0, usize::from)
        });
        for at in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * at) & 63]);
            encoded.push(if at > group.len() { '=' } else { digit });
        }
    }
    encoded
}

const CHOSEN: &[&str] = &["basic", "scheme:Token", "x-api-key", "header:X-Own"];

const CHALLENGE: &str = "Basic realm=\"tokenlatch\", Token realm=\"tokenlatch\", \
     ApiKey realm=\"tokenlatch\", in=\"header\", name=\"x-api-key\", \
     ApiKey realm=\"tokenlatch\", in=\"header\", name=\"X-Own\"";

/// Checks every kind of [`CHOSEN`] credentials at a listener for routes.
fn check_chosen(guard: SocketAddr, seen: &Receiver<String>, token: &str) {
    let scheme = format!("Token {token}");
    let basic = format!("Basic {}", base64(&format!("alice:{token}")));
    let anonymous = format!("Basic {}", base64(&format!(":{token}")));
    let stranger = format!("Basic {}", base64(&format!("bob:{token}")));
    let bearer = format!("Bearer {token}");
    let wrong = "x".repeat(32);
    let site = |value: &'static str| ("Sec-Fetch-Site", value);
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[("Authorization", &scheme)], 200),
        (&[("Authorization", &basic)], 200),
        (&[("Authorization", &anonymous)], 200),
        (&[("X-API-Key", token)], 200),
        (&[("x-own", token)], 200),
        (&[("Authorization", &basic), site("same-origin")], 200),
        // Only Basic is sent by browsers by themselves.
        (&[("X-API-Key", token), site("cross-site")], 200),
        (&[("Authorization", &basic), site("cross-site")], 403),
        (&[("Authorization", &basic), site("same-site")], 403),
        (&[("Authorization", &basic), site("none"), site("none")], 403),
        (&[], 401),
        (&[("Authorization", &stranger)], 401),
        (&[("Authorization", &bearer)], 401),
        (&[("X-API-Key", &wrong)], 401),
        (&[("X-API-Key", &scheme)], 401),
        (&[("X-API-Keys", token)], 401),
        (&[("X_API_Key", token)], 401),
        // More than one.
        (&[("X-API-Key", token), ("X-API-Key", token)], 401),
        (&[("X-API-Key", token), ("X-Own", token)], 401),
        (&[("X-API-Key", token), ("Authorization", &scheme)], 401),
    ];
    for &(fields, status) in cases {
        let answer = send(guard, "/orders", fields);
        assert_eq!(answer.status, status, "{fields:?}");
        match status {
            200 => {
                let head = seen.recv_timeout(PATIENCE).unwrap();
                assert!(head.contains("\r\nx-tokenlatch-user: alice\r\n"), "{head}");
                assert!(!head.contains(&token.to_lowercase()), "{head}");
                for name in ["authorization", "x-api-key", "x-own"] {
                    assert!(!head.contains(&format!("\r\n{name}:")), "{head}");
                }
                let site = fields.iter().any(|(name, _)| *name == "Sec-Fetch-Site");
                assert_eq!(head.contains("\r\nsec-fetch-site:"), site, "{head}");
            }
            401 => assert_eq!(answer.header("www-authenticate"), Some(CHALLENGE), "{fields:?}"),
            _ => assert_eq!(answer.header("www-authenticate"), None, "{fields:?}"),
        }
        assert!(status == 200 || answer.body == DENIED, "{fields:?}");
    }
    // A public route is forwarded without them too.
    assert_eq!(send(guard, "/open", &[("X-API-Key", &wrong)]).status, 200);
    let head = seen.recv_timeout(PATIENCE).unwrap();
    assert!(!head.contains("x-api-key"), "{head}");
}

#[test]
fn every_kind_of_credential_is_admitted_where_it_is_chosen() {
    let (address, seen) = api();
    let (running, guard, token) = guarded(address, |config| guarding(config, address, CHOSEN));
    check_chosen(guard, &seen, &token);
    // The other ports take the same.
    let own = [("X-Own", &*token)];
    assert_eq!(send(running.account, "/execute/Tokens/list", &own).json()["status"], 1);
    assert_eq!(
        send(running.account, "/auth?module=Email&function=list_pops", &own).status,
        200
    );
    let api2 = "/json-api/cpanel?cpanel_jsonapi_module=Tokens&cpanel_jsonapi_func=list&cpanel_jsonapi_apiversion=3";
    assert_eq!(send(running.account, api2, &own).status, 200);
    assert_eq!(send(running.account, api2, &[]).status, 401);
    let posted = Request::new("POST", "/json-api/cpanel").header("X-Own", "wrong");
    let posted = posted.header("Content-Length", "100").send(running.account);
    assert_eq!(posted.status, 401, "before the body is read");
    let bearer = format!("Bearer {token}");
    let refused = send(running.account, "/execute/Tokens/list", &[("Authorization", &bearer)]);
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, Some(CHALLENGE))
    );
}

#[test]
fn an_edge_takes_the_same_credentials() {
    let (address, seen) = api();
    let running = Running::start();
    let token = full(&running);
    let chosen: Vec<String> = CHOSEN.iter().map(|text| (*text).to_owned()).collect();
    let options = FollowerOptions {
        catalogue: Some(orders()),
        credentials: Some(chosen),
        clock: running.clock.clone(),
        ..FollowerOptions::new(vec![edges::key().public_key()])
    };
    let follower = Follower::new(&module(), options).unwrap();
    let mut config = Config::plain();
    guarding(&mut config, address, CHOSEN);
    let origin = edges::Origin::new(&running.state.service, 60);
    let edge = running
        .block_on(EdgeServer::bind(config, follower.clone(), origin))
        .unwrap();
    let guard = edge.guard_address().unwrap();
    running.spawn(edge.run_until(std::future::pending::<()>(), std::future::pending::<()>()));
    running.block_on(edges::until(&follower, &format!("Token {token}"), "ok"));
    check_chosen(guard, &seen, &token);
}

#[test]
fn other_fields_go_on_by_default() {
    let (address, seen) = api();
    let (_running, guard, token) = guarded(address, |_| {});
    let bearer = format!("Bearer {token}");
    let answer = send(guard, "/orders", &[("X-API-Key", &token)]);
    assert_eq!((answer.status, answer.body.as_str()), (401, DENIED));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"tokenlatch\""));
    let both = [
        ("Authorization", &*bearer),
        ("X-API-Key", "another"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    assert_eq!(send(guard, "/orders", &both).status, 200);
    let head = seen.recv_timeout(PATIENCE).unwrap();
    assert!(head.contains("\r\nx-api-key: another\r\n"), "{head}");
    assert!(!head.contains("\r\nauthorization:"), "{head}");
}

#[test]
fn authorization_goes_on_where_it_holds_no_credential() {
    let (address, seen) = api();
    let (_running, guard, token) = guarded(address, |config| guarding(config, address, &["x-api-key"]));
    let fields = [("X-API-Key", &*token), ("Authorization", "Basic YTpi")];
    assert_eq!(send(guard, "/orders", &fields).status, 200);
    let head = seen.recv_timeout(PATIENCE).unwrap();
    assert!(head.contains("\r\nauthorization: basic ytpi\r\n"), "{head}");
    assert!(!head.contains("x-api-key"), "{head}");
}

#[test]
fn failures_of_a_user_are_counted_by_any_credential() {
    let running = Running::with(|config| {
        config.credentials = Some(vec!["basic".to_owned()]);
        config.failures.per_address = 0;
        config.failures.per_user = 3;
    });
    let wrong = format!("Basic {}", base64(&format!("alice:{}", "A".repeat(32))));
    let statuses = [(); 5].map(|()| send(running.account, "/execute/Tokens/list", &[("Authorization", &wrong)]).status);
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}

#[test]
fn a_wrong_choice_is_refused_at_start() {
    for chosen in [
        &["other"][..],
        &[],
        &["bearer", "bearer"],
        &["header:Cookie"],
        &["scheme:Digest"],
    ] {
        let config = Config {
            credentials: Some(chosen.iter().map(|text| (*text).to_owned()).collect()),
            ..Config::plain()
        };
        let error = config.check().unwrap_err();
        assert_eq!(error.code(), "credentials_invalid", "{chosen:?}");
        assert!(error.is_misuse());
    }
}

#[test]
fn refusals_may_be_problem_details() {
    let (address, _seen) = api();
    let (running, guard, token) = guarded(address, |config| {
        config.refusals = Refusals::Problem;
        config.failures.per_address = 20;
    });
    let bearer = |token: &str| format!("Bearer {token}");
    let unlisted = NewToken::new(
        "alice",
        "few",
        Access::Limited {
            features: vec!["popaccts".to_owned()],
        },
    );
    let few = running.token(unlisted);
    let revoked = running.token(NewToken::new("bob", "revoked", Access::Full));
    let names = ["revoked".to_owned()];
    let revoke = running.state.service.revoke("bob", None, &names);
    running.block_on(revoke).unwrap();
    let body = |title: &str| {
        format!(r#"{{"type":"about:blank","title":"{title}","detail":"Access denied","code":"access_denied"}}"#)
    };
    let listed = "/execute/Email/list_pops";
    let asked = "/auth?module=Email&function=list_forwarders";
    let mut seen = BTreeSet::new();
    for (to, target, authorization, status) in [
        (guard, "/orders", String::new(), 401),
        (guard, "/orders", bearer("wrong"), 401),
        (guard, "/orders", bearer(&revoked), 401),
        (guard, "/execute/Tokens/list", String::new(), 401),
        (running.account, listed, String::new(), 401),
        (running.account, asked, bearer(&revoked), 401),
        (running.admin, "/json-api/listaccts", String::new(), 401),
        (guard, "/orders", bearer(&few), 403),
        (guard, "/orders/", bearer(&few), 403),
        (guard, "/orders?_method=DELETE", bearer(&token), 403),
        (running.account, "/auth?feature=orders", bearer(&few), 403),
        (running.account, "/auth?feature=orders&api=api1", bearer(&few), 400),
    ] {
        let answer = Request::new("GET", target).authorization(&authorization).send(to);
        assert_eq!(answer.status, status, "{target}");
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{target}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{target}");
        let challenge = (status == 401).then_some("Bearer realm=\"tokenlatch\"");
        assert_eq!(answer.header("www-authenticate"), challenge, "{target}");
        if status != 400 {
            let title = if status == 401 { "Unauthorized" } else { "Forbidden" };
            assert_eq!(answer.body, body(title), "{target}");
            seen.insert((status, answer.body));
        }
    }
    assert_eq!(seen.len(), 2, "one body for each status");
    // The service's own functions and API 2 keep the form that their clients read.
    for (to, target) in [
        (running.account, "/execute/Tokens/list"),
        (running.admin, "/json-api/api_token_list"),
        (
            running.account,
            "/json-api/cpanel?cpanel_jsonapi_module=Email&cpanel_jsonapi_func=listpops",
        ),
    ] {
        let answer = Request::new("GET", target).send(to);
        assert_eq!((answer.status, answer.body.as_str()), (401, DENIED), "{target}");
    }
    let mut answers = (0..100).map(|_| send(guard, "/orders", &[]));
    let later = answers.find(|answer| answer.status != 401).unwrap();
    assert!(later.header("retry-after").is_some(), "{later:?}");
    assert_eq!((later.status, later.body), (429, body("Too Many Requests")));
}
