//! Snapshots over HTTP: permissions, tags, deltas, reports; and an edge that serves from them.
#![cfg(unix)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::edges::{key, until};
use crate::common::served::{Answer, DENIED, Request, Running, UNAVAILABLE};
use crate::common::{NOW, module};
use tokenlatch::core::{Access, Realm};
use tokenlatch::{Follower, FollowerOptions, NewToken, PublisherOptions};
use tokenlatch_server::HttpSource;
use tokenlatch_server::{Config, EdgeServer, SnapshotConfig};
use tokio::sync::oneshot;

fn origin(max_age: u32) -> Running {
    let running = Running::with(|config| {
        config.snapshots = Some(SnapshotConfig {
            key: key(),
            options: PublisherOptions { max_age, names: true },
        });
    });
    // The first request begins the epoch of this start.
    assert_eq!(Request::new("GET", "/snapshot").send(running.admin).status, 401);
    running
}

fn version(running: &Running) -> (i64, i64) {
    let revision = running.block_on(running.state.service.store().revision()).unwrap();
    (revision.version().epoch, revision.version().version)
}

fn since(running: &Running, wait: u32) -> String {
    let (epoch, version) = version(running);
    format!("/snapshot/deltas?since={epoch}-{version}&wait={wait}")
}

fn report(running: &Running, authorization: &str, json: &str) -> Answer {
    Request::new("POST", "/snapshot/usage")
        .authorization(authorization)
        .json(json)
        .send(running.admin)
}

/// A token for the administrator's port, as an `Authorization`.
fn admin_token(running: &Running, user: &str, name: &str, access: Access, read_only: bool) -> String {
    let mut wanted = NewToken::new(user, name, access);
    (wanted.realm, wanted.read_only) = (Realm::Admin, read_only);
    format!("whm {user}:{}", running.token(wanted))
}

#[test]
fn snapshots_and_reports_require_their_admin_features() {
    let running = origin(60);
    let named = |features: &[&str]| Access::Limited {
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
    };
    let full = running.administrator("full");
    let reader = admin_token(&running, "root", "reader", Access::Full, true);
    let reads = admin_token(&running, "root", "reads", named(&["snapshot-read"]), false);
    let reports = admin_token(&running, "root", "reports", named(&["usage-report"]), false);
    let other = admin_token(&running, "root", "other", named(&["popaccts", "apitokens"]), false);
    // Alice has every feature, but is not an administrator.
    let alice = admin_token(&running, "alice", "admin", Access::Full, false);
    let account = running.full("root", "account");
    let bare = account.replace("cpanel root:", "Bearer ");
    let deltas = since(&running, 0);
    let json = r#"{"follower":"follower-one","batch":1,"tokens":[]}"#;
    for (authorization, reading, reporting) in [
        (full.as_str(), 200, 200),
        (&reader, 200, 403),
        (&reads, 200, 403),
        (&reports, 403, 200),
        (&other, 403, 403),
        (&alice, 403, 403),
        (&account, 401, 401),
        (&bare, 401, 401),
        ("whm root:NO", 401, 401),
        ("", 401, 401),
    ] {
        for path in ["/snapshot", deltas.as_str()] {
            let answer = running.get_admin(authorization, path);
            assert_eq!(answer.status, reading, "{authorization} {path}");
            match reading {
                200 => assert_eq!(
                    answer.header("content-type"),
                    Some("application/vnd.tokenlatch.snapshot")
                ),
                _ => assert_eq!(answer.body, DENIED),
            }
        }
        assert_eq!(
            report(&running, authorization, json).status,
            reporting,
            "{authorization}"
        );
    }
    for path in ["/snapshot", deltas.as_str()] {
        assert_eq!(running.get(&account, path).status, 404, "not on the account port");
        let post = Request::new("POST", path).authorization(&full).send(running.admin);
        assert_eq!(post.status, 405);
    }
    let secret = full.split(':').next_back().unwrap();
    assert_eq!(
        running.get_admin(&full, &format!("/snapshot?token={secret}")).status,
        400
    );
    // An edge's token can do nothing else, and loses its rights when its user is no longer an administrator.
    let list = "/json-api/api_token_list?api.version=1";
    assert_eq!(running.get_admin(&reads, list).status, 403);
    running
        .block_on(running.state.service.set_administrator("root", false))
        .unwrap();
    for authorization in [&full, &reads] {
        assert_eq!(running.get_admin(authorization, "/snapshot").status, 403);
    }
}

#[test]
fn only_administrators_grant_snapshot_and_report_features() {
    let running = Running::start();
    let create = |authorization: &str, name: &str| {
        let target = format!("/json-api/api_token_create?api.version=1&token_name={name}&acl=snapshot-read");
        running.get_admin(authorization, &target).json()["metadata"]["result"].clone()
    };
    assert_eq!(create(&running.administrator("root"), "edge"), 1);
    let alice = admin_token(&running, "alice", "admin", Access::Full, false);
    assert_eq!(create(&alice, "edge"), 0);
    let limited = running.limited_administrator("limited", &["apitokens", "popaccts"]);
    assert_eq!(create(&limited, "other"), 0);
    let uapi = "/execute/Tokens/create_limited?name=edge&features=usage-report";
    assert_eq!(running.get(&running.full("alice", "one"), uapi).json()["status"], 0);
}

#[test]
fn snapshot_and_metrics_listeners_serve_nothing_else() {
    let running = Running::with(|config| {
        config.snapshots = Some(SnapshotConfig {
            key: key(),
            options: PublisherOptions {
                max_age: 60,
                names: true,
            },
        });
        config.snapshot_listen = Some(config.listen);
        config.metrics_listen = Some(config.listen);
    });
    let (machines, metrics) = (running.snapshot.unwrap(), running.metrics.unwrap());
    let full = running.administrator("full");
    let get = |address, path: &str| Request::new("GET", path).authorization(&full).send(address);
    // The first request begins the epoch of this start.
    assert_eq!(Request::new("GET", "/snapshot").send(machines).status, 401);
    for path in ["/snapshot", since(&running, 0).as_str(), "/health", "/ready"] {
        assert_eq!(get(machines, path).status, 200, "{path}");
    }
    let report = Request::new("POST", "/snapshot/usage")
        .authorization(&full)
        .json(r#"{"follower":"follower-one","batch":1,"tokens":[]}"#);
    assert_eq!(report.send(machines).status, 200);
    for path in [
        "/",
        "/login",
        "/auth",
        "/metrics",
        "/openapi.json",
        "/execute/Tokens/list",
        "/json-api/cpanel",
        "/json-api/api_token_list?api.version=1",
        "/assets/page.css",
    ] {
        assert_eq!(get(machines, path).status, 404, "{path}");
    }
    let figures = get(metrics, "/metrics");
    assert!(figures.status == 200 && figures.body.contains("tokenlatch_table_records"));
    assert_eq!(get(metrics, "/health").status, 200);
    for path in ["/", "/snapshot", "/auth", "/json-api/api_token_list?api.version=1"] {
        assert_eq!(get(metrics, path).status, 404, "{path}");
    }
    assert_eq!(
        get(running.admin, "/metrics").status,
        404,
        "it has a listener of its own"
    );
    assert!(!get(running.admin, "/openapi.json").body.contains("\"/metrics\""));
    assert_eq!(get(running.admin, "/snapshot").status, 200);
}

#[test]
fn metrics_require_a_token_if_configured() {
    let running = Running::with(|config| config.metrics_token = true);
    let of = |features: &[&str]| running.limited_administrator(features[0], features);
    for (authorization, status) in [
        ("", 401),
        (running.administrator("full").as_str(), 200),
        (&of(&["metrics-read"]), 200),
        (&of(&["snapshot-read"]), 403),
        (&admin_token(&running, "alice", "admin", Access::Full, false), 403),
        (&running.full("root", "account"), 401),
    ] {
        assert_eq!(running.get_admin(authorization, "/metrics").status, status);
    }
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
fn etag_avoids_resending_the_snapshot() {
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
fn invalid_delta_queries_are_refused_and_gaps_reported() {
    let running = origin(60);
    let full = running.administrator("full");
    let (epoch, version) = version(&running);
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
    for (epoch, version) in [(epoch + 1, version), (epoch, version + 1)] {
        let answer = running.get_admin(&full, &format!("/snapshot/deltas?since={epoch}-{version}&wait=20"));
        assert_eq!((answer.status, &answer.json()["code"]), (409, &"snapshot_gap".into()));
    }
}

#[test]
fn revocation_answers_a_waiting_delta_request() {
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
fn edge_serves_the_published_snapshot_until_it_is_stale() {
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

    // The edge's own token is revoked, so it receives no more news.
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
fn stopping_edge_sends_a_last_usage_report() {
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
