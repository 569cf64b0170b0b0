//! Snapshots over HTTP: who may have them, tags, deltas, reports; and an edge that serves by them.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test is a failed test"
)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::edges::{key, until};
use common::served::{Answer, DENIED, Request, Running, UNAVAILABLE};
use common::{NOW, module};
use tokenlatch::core::{Access, Realm};
use tokenlatch::server::{Config, EdgeServer, SnapshotConfig};
use tokenlatch::{Follower, FollowerOptions, HttpSource, NewToken, PublisherOptions};
use tokio::sync::oneshot;

fn origin(max_age: u32) -> Running {
    let running = Running::with(|config| {
        config.snapshots = Some(SnapshotConfig {
            key: key(),
            options: PublisherOptions { max_age, names: true },
        });
    });
    // The first question of all begins the epoch of this start.
    assert_eq!(Request::new("GET", "/snapshot").send(running.admin).status, 401);
    running
}

fn mark(running: &Running) -> (i64, i64) {
    let mark = running.block_on(running.state.service.store().mark()).unwrap();
    (mark.epoch, mark.revision)
}

fn since(running: &Running, wait: u32) -> String {
    let (epoch, revision) = mark(running);
    format!("/snapshot/deltas?since={epoch}-{revision}&wait={wait}")
}

fn report(running: &Running, authorization: &str, json: &str) -> Answer {
    Request::new("POST", "/snapshot/usage")
        .authorization(authorization)
        .json(json)
        .send(running.admin)
}

#[test]
fn only_full_tokens_of_the_administrators_port_get_a_snapshot() {
    let running = origin(60);
    let full = running.administrator("full");
    let mut wanted = NewToken::new("root", "reader", Access::Full);
    (wanted.realm, wanted.read_only) = (Realm::Admin, true);
    let reader = format!("whm root:{}", running.token(wanted));
    let mut wanted = NewToken::new(
        "root",
        "limited",
        Access::Limited {
            features: vec!["popaccts".to_owned()],
        },
    );
    wanted.realm = Realm::Admin;
    let limited = format!("whm root:{}", running.token(wanted));
    let account = running.full("alice", "account");
    let (bare, deltas) = (account.replace("cpanel alice:", "Bearer "), since(&running, 0));
    for path in ["/snapshot", deltas.as_str()] {
        for authorization in [&full, &reader] {
            let answer = running.get_admin(authorization, path);
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/vnd.tokenlatch.snapshot")
            );
        }
        for (authorization, status) in [
            ("", 401),
            ("whm root:NO", 401),
            (&account, 401),
            (&bare, 401),
            (&limited, 403),
        ] {
            let answer = running.get_admin(authorization, path);
            assert_eq!((answer.status, answer.body.as_str()), (status, DENIED), "{path}");
        }
        assert_eq!(running.get(&account, path).status, 404, "not on the account port");
        assert_eq!(
            Request::new("POST", path)
                .authorization(&full)
                .send(running.admin)
                .status,
            405
        );
    }
    let json = r#"{"follower":"follower-one","batch":1,"tokens":[]}"#;
    for (authorization, status) in [(full.as_str(), 200), (&reader, 403), (&limited, 403), ("", 401)] {
        assert_eq!(report(&running, authorization, json).status, status);
    }
    let secret = full.split(':').next_back().unwrap();
    assert_eq!(
        running.get_admin(&full, &format!("/snapshot?token={secret}")).status,
        400
    );
}

#[test]
fn a_server_without_a_key_publishes_nothing() {
    let running = Running::start();
    let full = running.administrator("full");
    for path in ["/snapshot", "/snapshot/deltas?since=1-1"] {
        assert_eq!(running.get_admin(&full, path).status, 404);
    }
    assert_eq!(report(&running, &full, "{}").status, 404);
}

#[test]
fn a_tag_names_the_bytes_and_saves_sending_them() {
    let running = origin(60);
    let full = running.administrator("full");
    let first = running.get_admin(&full, "/snapshot");
    let tag = first.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'));
    let asked = |tag: &str| {
        Request::new("GET", "/snapshot")
            .authorization(&full)
            .header("If-None-Match", tag)
            .send(running.admin)
    };
    let same = asked(&tag);
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    assert_eq!(same.header("etag"), Some(tag.as_str()));
    assert_eq!(asked("\"other\"").status, 200);
    running.clock.set(NOW + 16);
    let younger = asked(&tag);
    assert_eq!(younger.status, 200, "what is a quarter of its life old is renewed");
    assert_ne!(younger.header("etag"), Some(tag.as_str()));
    running.full("alice", "another");
    assert_eq!(asked(younger.header("etag").unwrap()).status, 200);
}

#[test]
fn a_question_for_deltas_is_spelt_in_one_way_and_a_gap_is_told() {
    let running = origin(60);
    let full = running.administrator("full");
    let (epoch, revision) = mark(&running);
    for query in [
        "",
        "?since=",
        "?since=1",
        "?since=a-b",
        "?since=-1-1",
        "?since=+1-1",
        "?since=1-1-1",
        "?wait=1",
        "?since=1-1&since=1-1",
        "?since=1-1&wait=x",
        "?since=99999999999999999999-1",
    ] {
        let answer = running.get_admin(&full, &format!("/snapshot/deltas{query}"));
        assert_eq!(answer.status, 400, "{query}");
    }
    for (epoch, revision) in [(epoch + 1, revision), (epoch, revision + 1)] {
        let answer = running.get_admin(&full, &format!("/snapshot/deltas?since={epoch}-{revision}&wait=20"));
        assert_eq!((answer.status, &answer.json()["code"]), (409, &"snapshot_gap".into()));
    }
}

#[test]
fn who_waits_is_answered_by_a_revocation_here_and_its_own_ends_the_waiting() {
    let running = origin(60);
    let full = running.administrator("full");
    let (alice, other) = (running.full("alice", "one"), running.administrator("other"));
    let (admin, account) = (running.admin, running.account);
    for authorization in [&full, &other] {
        let waiting = Request::new("GET", &since(&running, 30)).authorization(authorization);
        let waiter = std::thread::spawn(move || (waiting.send(admin), Instant::now()));
        std::thread::sleep(Duration::from_millis(400));
        assert!(!waiter.is_finished());
        let expected = if *authorization == full {
            let revoke = Request::new("POST", "/execute/Tokens/revoke").authorization(&alice);
            assert_eq!(revoke.form("name=one").send(account).status, 200);
            200
        } else {
            let names = ["other".to_owned()];
            let revoke = running.state.service.revoke("root", Realm::Admin, &names);
            running.block_on(revoke).unwrap();
            401
        };
        let revoked = Instant::now();
        let (answer, at) = waiter.join().unwrap();
        assert_eq!(answer.status, expected);
        assert!(at.saturating_duration_since(revoked) < Duration::from_secs(1));
    }
}

#[test]
fn reports_are_read_strictly_and_counted_once() {
    let running = origin(60);
    let full = running.administrator("full");
    let created = running
        .block_on(
            running
                .state
                .service
                .create(NewToken::new("alice", "one", Access::Full)),
        )
        .unwrap();
    let id = created.record.id;
    let json = format!(
        r#"{{"follower":"follower-one","batch":1,"tokens":[{{"id":"{id}","lastUsed":{NOW},"uses":3}},{{"id":"none","lastUsed":{NOW},"uses":1}}]}}"#
    );
    assert_eq!(report(&running, &full, &json).body, r#"{"added":true}"#);
    assert_eq!(report(&running, &full, &json).body, r#"{"added":false}"#);
    let used = running.block_on(running.state.service.store().usage(&[id])).unwrap();
    assert_eq!((used[0].last_used, used[0].uses), (NOW, 3));
    for spoilt in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"follower":"follower-one","batch":0,"tokens":[]}"#,
        r#"{"follower":"follower-one","batch":1.5,"tokens":[]}"#,
        r#"{"follower":"follower-one","batch":1,"tokens":[],"more":1}"#,
        r#"{"follower":"follower-one","batch":9,"tokens":[{"lastUsed":1,"uses":1}]}"#,
        r#"{"follower":"follower-one","batch":9,"tokens":[{"id":"a","lastUsed":1,"uses":-1}]}"#,
        r#"{"follower":"follower-one","batch":9,"tokens":[{"id":"a","lastUsed":99999999999,"uses":1}]}"#,
    ] {
        assert_eq!(report(&running, &full, spoilt).status, 400, "{spoilt}");
    }
    let form = Request::new("POST", "/snapshot/usage").authorization(&full).form("a=b");
    assert_eq!(form.send(running.admin).status, 400);
}

/// An edge in this process, over HTTP.
struct Edge {
    account: SocketAddr,
    admin: SocketAddr,
    follower: Follower,
    stop: Option<oneshot::Sender<()>>,
}

impl Edge {
    fn start(origin: &Running, authorization: &str) -> Edge {
        use std::os::unix::fs::PermissionsExt;
        let file = origin.place.folder.path().join("edge.header");
        std::fs::write(&file, format!("Authorization: {authorization}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let source = HttpSource::new(&format!("http://{}", origin.admin), &file, None).unwrap();
        let follower = Follower::new(
            &module(),
            FollowerOptions {
                clock: origin.clock.clone(),
                usage_interval: Duration::from_millis(200),
                ..FollowerOptions::new(vec![key().public_key()])
            },
        )
        .unwrap();
        let bound = EdgeServer::bind(Config::plain(), follower.clone(), Arc::new(source));
        let server = origin.block_on(bound).unwrap();
        let (account, admin) = server.addresses();
        let (stop, stopped) = oneshot::channel::<()>();
        origin.spawn(server.run_until(stopped, std::future::pending::<()>()));
        Edge {
            account,
            admin: admin.unwrap(),
            follower,
            stop: Some(stop),
        }
    }

    fn auth(&self, authorization: &str) -> Answer {
        Request::new("GET", "/auth?module=Tokens&function=list")
            .authorization(authorization)
            .send(self.account)
    }

    fn get(&self, path: &str) -> Answer {
        Request::new("GET", path).send(self.admin)
    }
}

#[test]
fn an_edge_serves_by_what_its_origin_publishes_and_refuses_when_it_is_too_old() {
    let origin = origin(60);
    let full = origin.administrator("edge");
    let alice = origin.full("alice", "one");
    let edge = Edge::start(&origin, &full);
    origin.block_on(until(&edge.follower, &alice, "ok"));
    let answer = edge.auth(&alice);
    assert_eq!(
        (answer.status, answer.header("x-tokenlatch-user")),
        (200, Some("alice"))
    );
    assert_eq!(answer.header("x-tokenlatch-token-name"), Some("one"));
    assert_eq!(edge.get("/ready").body, r#"{"status":"ready"}"#);
    assert_eq!(edge.get("/health").status, 200);
    let list = Request::new("GET", "/execute/Tokens/list")
        .authorization(&alice)
        .send(edge.account);
    assert_eq!(list.status, 404, "an edge manages no tokens");
    for path in ["/", "/login", "/snapshot"] {
        assert_eq!(edge.get(path).status, 404, "{path}");
    }
    let of_whm = "/json-api/api_token_list?api.version=1";
    assert_eq!(edge.get(of_whm).status, 401);
    let of_whm = Request::new("GET", of_whm).authorization(&full).send(edge.admin);
    assert_eq!(of_whm.status, 404, "nor those of the administrator");
    let wrong = edge.auth("cpanel alice:NO");
    assert_eq!((wrong.status, wrong.body.as_str()), (401, DENIED));

    let revoke = Request::new("POST", "/execute/Tokens/revoke").authorization(&alice);
    assert_eq!(revoke.form("name=one").send(origin.account).status, 200);
    let lag = origin.block_on(until(&edge.follower, &alice, "token_revoked"));
    println!("a revocation was in force at the edge after {lag:?}");
    assert!(lag < Duration::from_secs(1));
    assert_eq!(edge.auth(&alice).status, 401);

    // The edge's own token is revoked, so it hears nothing more.
    let two = origin.full("alice", "two");
    origin.block_on(until(&edge.follower, &two, "ok"));
    let names = ["edge".to_owned()];
    let revoke = origin.state.service.revoke("root", Realm::Admin, &names);
    origin.block_on(revoke).unwrap();
    origin.block_on(async {
        while edge.follower.status().failing.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(edge.follower.status().failing, Some("origin_refused"));
    origin.clock.set(NOW + 200);
    let stale = edge.auth(&two);
    assert_eq!((stale.status, stale.body.as_str()), (503, UNAVAILABLE));
    let ready = edge.get("/ready");
    assert_eq!((ready.status, &ready.json()["reason"]), (503, &"snapshot_stale".into()));
    let metrics = edge.get("/metrics").body;
    assert!(metrics.contains("\ntokenlatch_snapshot_failing 1\n"), "{metrics}");
    assert!(
        metrics.contains(r#"tokenlatch_verifications_total{reason="snapshot_stale"}"#),
        "{metrics}"
    );
}

#[test]
fn an_edge_reports_uses_and_ends_with_a_last_report() {
    let origin = origin(60);
    let full = origin.administrator("edge");
    let created = origin
        .block_on(origin.state.service.create(NewToken::new("alice", "one", Access::Full)))
        .unwrap();
    let alice = format!("cpanel alice:{}", created.token.expose());
    let mut edge = Edge::start(&origin, &full);
    origin.block_on(until(&edge.follower, &alice, "ok"));
    for _ in 0..20 {
        assert_eq!(edge.auth(&alice).status, 200);
    }
    edge.stop.take().unwrap().send(()).unwrap();
    let used = || {
        let ids = [created.record.id.clone()];
        let usage = origin.block_on(origin.state.service.store().usage(&ids)).unwrap();
        usage.first().map_or(0, |used| used.uses)
    };
    let begun = Instant::now();
    while used() != 21 && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(used(), 21);
}
