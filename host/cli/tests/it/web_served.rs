//! The web interface of a server in its own process: options, and a log without secrets.
#![cfg(unix)]

use std::net::SocketAddr;

use crate::common::Place;
use crate::common::browser::{Browser, PASSWORD, encoded};
use crate::common::served::Request;
use crate::common::serving::Serving;

/// Starts a server, uses it, stops it, and returns its log.
fn log_of(place: &Place, arguments: &[&str], using: impl FnOnce(SocketAddr)) -> String {
    let serve = [
        "--json",
        "serve",
        "--http",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "none",
    ];
    let serving = Serving::spawn(place.command(&[&serve, arguments].concat()));
    using(serving.address("account"));
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    log
}

fn place() -> Place {
    let place = Place::new();
    let added = place.run_with(
        &["account", "add", "alice", "--all-features", "--password-stdin"],
        &format!("{PASSWORD}\n"),
    );
    assert_eq!(added.code, Some(0), "{added:?}");
    place
}

#[test]
fn trace_log_contains_no_session_secret() {
    let place = place();
    for format in ["text", "json"] {
        let mut secrets = vec![
            PASSWORD.to_owned(),
            PASSWORD.replace(' ', "+"),
            "wrong-pass-phrase".to_owned(),
        ];
        let arguments = ["--log-level", "trace", "--log-format", format];
        let log = log_of(&place, &arguments, |address| {
            let mut alice = Browser::new(address);
            assert_eq!(alice.try_log_in("alice", "wrong-pass-phrase").status, 401);
            // Users sometimes type their password into the name field.
            assert_eq!(alice.try_log_in("wrong-pass-phrase", "x").status, 401);
            alice.log_in("alice");
            let csrf = alice.csrf();
            let list = alice.path("/tokens");
            assert_eq!(alice.get(&list).status, 200);
            assert_eq!(alice.get(&alice.path("/nothing/here")).status, 404);
            let early = alice.clone();
            // In places where they do not belong.
            alice.get(&format!("/nothing{list}?back={list}"));
            alice.send(Request::new("GET", &format!("http://localhost{list}")));
            alice.post(&list, &[("csrf", "x"), ("pass", PASSWORD)]);
            let sent = encoded(&[("csrf", &csrf), ("to", &list)]);
            alice.send(Request::new("POST", "/login").json(&sent));
            alice.log_in("alice");
            early.clone().get(&list);
            let rubbish = Request::new("GET", "/").header("Cookie", "cpsession=wrong-pass-phrase-123456");
            rubbish.send(address);
            let csrf = [csrf, alice.csrf()];
            assert_eq!(alice.clone().post("/logout", &[("csrf", &csrf[1])]).status, 303);
            for browser in [&early, &alice] {
                secrets.push(browser.cookies["cpsession"].clone());
                secrets.push(browser.prefix["/cpsess".len()..].to_owned());
            }
            secrets.extend(csrf);
        });
        assert!(!log.contains("TRACE"), "a library spoke below INFO");
        for (number, secret) in secrets.iter().enumerate() {
            assert!(!log.contains(secret.as_str()), "secret {number} is in the log");
        }
        assert!(log.contains("/cpsess…/tokens"), "the path is told without the number");
        assert!(
            !log.contains("suspicious"),
            "a session that has ended is nothing special"
        );
    }
}

#[test]
fn request_log_has_user_and_outcome() {
    let place = place();
    let log = log_of(&place, &["--log-format", "json"], |address| {
        let mut alice = Browser::new(address);
        alice.try_log_in("alice", "wrong password");
        alice.log_in("alice");
        alice.see("/tokens");
        alice.see("/nothing");
        alice.post("/logout", &[("csrf", "x")]);
        alice.get("/cpsess0123456789/tokens");
    });
    let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let seen: Vec<String> = lines
        .iter()
        .filter(|line| line["target"] == "tokenlatch::request")
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {} {} {} {}",
                text("method"),
                text("path"),
                line["status"],
                text("reason"),
                text("user")
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            "POST /login 401 login_invalid -",
            "POST /login 303 login alice",
            "GET /cpsess…/tokens 200 page alice",
            "GET /cpsess…/nothing 404 not_found alice",
            "POST /logout 403 form_stale alice",
            "GET /cpsess…/tokens 401 session_other -",
        ],
        "{log}"
    );
}

#[test]
fn options_set_host_names_and_session_times() {
    let place = place();
    let options = [
        "--host",
        "tokens.example,[::2]",
        "--session-idle",
        "1",
        "--session-lifetime",
        "2",
    ];
    log_of(&place, &options, |address| {
        for (host, status) in [("tokens.example:80", 200), ("[::2]:80", 200), ("other.example", 421)] {
            let answer = Request::new("GET", "/login").host(host).send(address);
            assert_eq!(answer.status, status, "{host}");
        }
    });
    for wrong in [
        ["--host", "a b"],
        ["--host", "https://tokens.example"],
        ["--host", "tokens.example:2083"],
        ["--session-idle", "0"],
        ["--session-lifetime", "-1"],
    ] {
        let ran = place.run(&[&["serve"], wrong.as_slice()].concat());
        assert_eq!(ran.code, Some(2), "{wrong:?} {ran:?}");
    }
}
