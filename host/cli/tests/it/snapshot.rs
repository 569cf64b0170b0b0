//! Keys and snapshots on the command line, and an origin and an edge in their own processes.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::common::served::Request;
use crate::common::{Place, with_token};

/// Runs a command that must succeed, and returns its output.
fn ok(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout
}

/// Creates a key, and returns the public key and the secret text that must never be shown.
fn keygen(place: &Place, name: &str) -> (String, String) {
    let ran = place.run(&["snapshot", "keygen", name]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let file = place.folder.path().join(name);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    let private = text.lines().find(|line| !line.starts_with('#')).unwrap().to_owned();
    assert_eq!(private.len(), 64);
    assert!(!ran.stdout.contains(&private) && !ran.stderr.contains(&private));
    (ran.stdout.trim().to_owned(), private)
}

#[test]
fn keygen_shows_only_the_public_key() {
    let place = Place::new();
    let (public, private) = keygen(&place, "k");
    assert_eq!(public.len(), 64);
    let again = place.run(&["snapshot", "keygen", "k"]);
    assert_eq!((again.code, again.stderr.contains("file_exists")), (Some(1), true));
    let forced = place.run(&["snapshot", "keygen", "k", "--force", "--json"]).json();
    assert_ne!(forced["publicKey"], public.as_str());
    assert!(!forced.to_string().contains(&private));
}

#[test]
fn publishes_and_inspects_a_snapshot() {
    let (place, token) = with_token(&["--full"]);
    let (public, private) = keygen(&place, "k");
    let (other, _) = keygen(&place, "other");
    let publish = [
        "snapshot",
        "publish",
        "--key",
        "k",
        "--out",
        "s.tlsn",
        "--max-age",
        "10m",
    ];
    let ran = place.run(&publish);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("Wrote 1 tokens") && !ran.stdout.contains(&private));
    assert_eq!(place.run(&publish).code, Some(1), "a file that is there stays");
    let bytes = std::fs::read(place.folder.path().join("s.tlsn")).unwrap();
    assert!(!bytes.windows(32).any(|window| window == token.as_bytes()));

    let look = |more: &[&str]| place.run(&[&["snapshot", "inspect", "s.tlsn", "--json"], more].concat());
    let told = look(&[]).json();
    assert_eq!(
        (&told["kind"], &told["tokens"], &told["maxAge"]),
        (&"snapshot".into(), &1.into(), &600.into())
    );
    assert_eq!(
        (&told["signature"], &told["stale"]),
        (&"notChecked".into(), &false.into())
    );
    assert_eq!(told["digest"].as_str().unwrap().len(), 64, "of the body, no token's");
    let good = look(&["--key", &public]);
    assert_eq!((good.code, &good.json()["signature"]), (Some(0), &"good".into()));
    let bad = look(&["--key", &other]);
    assert_eq!((bad.code, &bad.json()["signature"]), (Some(1), &"bad".into()));
    for at in [60, 150, bytes.len() - 1] {
        let mut spoilt = bytes.clone();
        spoilt[at] ^= 1;
        std::fs::write(place.folder.path().join("s.tlsn"), &spoilt).unwrap();
        assert_ne!(look(&["--key", &public]).code, Some(0), "{at}");
    }
    std::fs::write(place.folder.path().join("s.tlsn"), "nonsense").unwrap();
    assert!(look(&[]).stdout.contains("snapshot_malformed"));
    let file = place.folder.path().join("k");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = place.run(&["snapshot", "publish", "--key", "k", "--out", "t.tlsn"]);
    assert_eq!(open.code, Some(2));
    assert!(open.stderr.contains("chmod 600") && !open.stderr.contains(&private));
}

/// A server process, and its output.
struct Serving {
    child: Child,
    account: std::net::SocketAddr,
    admin: std::net::SocketAddr,
    snapshot: Option<std::net::SocketAddr>,
}

impl Serving {
    fn start(mut command: Command) -> Serving {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut stderr = String::new();
            let _ = child.kill();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("{line} {stderr}")
        });
        let told = told.get("serving").or(told.get("following")).unwrap().clone();
        let address = |key: &str| {
            let url = told[key].as_str()?;
            Some(url.strip_prefix("http://").unwrap().parse().unwrap())
        };
        Serving {
            account: address("account").unwrap(),
            admin: address("admin").unwrap(),
            snapshot: address("snapshot"),
            child,
        }
    }

    /// Stops the process, and returns the time that it took and the log.
    fn stop(mut self) -> (Duration, String) {
        let begun = Instant::now();
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(self.child.wait().unwrap().success(), "{log}");
        (begun.elapsed(), log)
    }
}

fn until(what: &str, wanted: impl Fn() -> bool) {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn edge_follows_a_server_and_both_stop_quickly() {
    let (place, _) = with_token(&["--full"]);
    let alice = format!(
        "cpanel alice:{}",
        place
            .run(&["token", "create", "--user", "alice", "--name", "two", "--full"])
            .stdout
            .trim()
    );
    let (public, private) = keygen(&place, "k");
    ok(&place, &["account", "administrator", "alice", "on"]);
    let made = place.run(&[
        "token",
        "create",
        "--user",
        "alice",
        "--name",
        "edge",
        "--features",
        "snapshot-read,usage-report",
        "--realm",
        "admin",
    ]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let token = made.stdout.trim().to_owned();
    let file = place.folder.path().join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let ports = [
        "--http",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--json",
    ];
    let publish = ["serve", "--snapshot-key", "k", "--snapshot-listen", "127.0.0.1:0"];
    let origin = Serving::start(place.command(&[&publish, &ports[..]].concat()));
    let url = format!("http://{}", origin.snapshot.unwrap());
    let follow = [
        "serve",
        "--follow",
        &url,
        "--follow-key",
        &public,
        "--follow-token-file",
        "token",
    ];
    let mut command = place.command(&[&follow, &ports[..]].concat());
    command.env("TOKENLATCH_DATABASE", "/nowhere/at/all.db");
    // The edge needs a folder only for its state.
    command.env_remove("TOKENLATCH_DATABASE");
    let edge = Serving::start(command);
    let auth = || {
        Request::new("GET", "/auth?module=Tokens&function=list")
            .authorization(&alice)
            .send(edge.account)
            .status
    };
    until("the edge is ready", || {
        Request::new("GET", "/ready").send(edge.admin).status == 200
    });
    assert_eq!(auth(), 200);
    // By another process, directly on the database.
    assert_eq!(place.run(&["token", "revoke", "--user", "alice", "two"]).code, Some(0));
    until("the revocation is in force", || auth() == 401);
    let state = std::fs::read_to_string(place.folder.path().join("tokenlatch-follow.json")).unwrap();
    assert!(state.contains("\"version\""));
    let (took, log) = origin.stop();
    assert!(took < Duration::from_secs(5), "{took:?}: nobody who waits holds it up");
    until("the edge notices", || {
        let figures = Request::new("GET", "/metrics").send(edge.admin).body;
        figures.contains("\ntokenlatch_snapshot_failing 1\n")
    });
    let (took, edge_log) = edge.stop();
    assert!(took < Duration::from_secs(8), "{took:?}");
    for log in [&log, &edge_log] {
        assert!(!log.contains(&private) && !log.contains(&token), "{log}");
        let secret = alice.split(':').next_back().unwrap();
        assert!(!log.contains(secret));
    }
    assert!(edge_log.contains("following the origin failed"), "{edge_log}");
}

#[test]
fn publishing_first_start_creates_the_first_account() {
    let place = Place::new();
    keygen(&place, "k");
    let ports = ["--http", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let serve = [&["--json", "serve", "--snapshot-key", "k"], &ports[..]].concat();
    let serving = Serving::start(place.command(&serve));
    let header = std::fs::read_to_string(place.folder.path().join("tokenlatch-admin.header")).unwrap();
    let authorization = header.trim().strip_prefix("Authorization: ").unwrap();
    let answer = Request::new("GET", "/snapshot")
        .authorization(authorization)
        .send(serving.admin);
    assert_eq!(answer.status, 200);
    serving.stop();
}

#[test]
fn inspect_reports_truncated_and_changed_snapshots() {
    let (place, _) = with_token(&["--full"]);
    let (public, _) = keygen(&place, "k");
    ok(&place, &["snapshot", "publish", "--key", "k", "--out", "s"]);
    let file = place.folder.path().join("s");
    let whole = std::fs::read(&file).unwrap();
    let looked = |bytes: &[u8], key: Option<&str>| {
        std::fs::write(&file, bytes).unwrap();
        let key = key.map_or_else(Vec::new, |key| vec!["--key", key]);
        place.run(&[&["snapshot", "inspect", "s"], &key[..]].concat())
    };
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let other = keygen(&place, "other").0;
    for (bytes, key, code, wanted) in [
        (&whole[..], None, 0, "not checked"),
        (&whole, Some(&public), 0, "valid"),
        (&whole, Some(&other), 1, "signed by another key"),
        (
            &whole[..whole.len() - 1],
            None,
            1,
            "the body is truncated, or has trailing bytes",
        ),
        (&changed, Some(&public), 1, "the body was changed"),
        (b"no snapshot at all", None, 1, "is not a snapshot"),
    ] {
        let ran = looked(bytes, key.map(String::as_str));
        assert_eq!(ran.code, Some(code), "{wanted}: {ran:?}");
        assert!(
            ran.stdout.contains(wanted) || ran.stderr.contains(wanted),
            "{wanted}: {ran:?}"
        );
    }
}

#[test]
fn restart_and_renew_begin_a_new_epoch() {
    let place = Place::new();
    keygen(&place, "k");
    ok(&place, &["account", "add", "alice", "--all-features"]);
    ok(&place, &["account", "administrator", "alice", "on"]);
    let epoch = |place: &Place| {
        let told = ok(
            place,
            &["snapshot", "publish", "--key", "k", "--out", "s", "--force", "--json"],
        );
        serde_json::from_str::<serde_json::Value>(&told).unwrap()["epoch"]
            .as_u64()
            .unwrap()
    };
    let token = ok(
        &place,
        &[
            "token", "create", "--user", "alice", "--name", "edge", "--full", "--realm", "admin",
        ],
    );
    let edge = format!("whm alice:{}", token.trim());
    let first = epoch(&place);
    assert_eq!(epoch(&place), first);
    // While it was stopped, a copy may have replaced the database.
    let ports = ["--http", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let serve = [&["--json", "serve", "--snapshot-key", "k"], &ports[..]].concat();
    let served = |place: &Place| {
        let serving = Serving::start(place.command(&serve));
        let answer = Request::new("GET", "/snapshot")
            .authorization(&edge)
            .send(serving.admin);
        serving.stop();
        assert_eq!(answer.status, 200);
    };
    served(&place);
    let second = epoch(&place);
    assert!(second > first);
    ok(&place, &["snapshot", "renew"]);
    assert!(epoch(&place) > second);
}

#[test]
fn edge_with_incomplete_options_does_not_start() {
    let place = Place::new();
    let (public, _) = keygen(&place, "k");
    std::fs::write(place.folder.path().join("open"), "TOKEN").unwrap();
    let token = place.folder.path().join("token");
    std::fs::write(&token, "TOKEN").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    for (arguments, wanted) in [
        (vec!["serve", "--follow", "http://127.0.0.1:1"], "--follow-key"),
        (vec!["serve", "--follow-key", &public], "--follow"),
        (
            vec![
                "serve",
                "--follow",
                "http://127.0.0.1:1",
                "--follow-key",
                &public,
                "--follow-token-file",
                "open",
            ],
            "chmod 600",
        ),
        (
            vec![
                "serve",
                "--follow",
                "http://example.com",
                "--follow-key",
                &public,
                "--follow-token-file",
                "token",
            ],
            "tokens need TLS",
        ),
        (
            vec![
                "serve",
                "--follow",
                "http://127.0.0.1:1",
                "--follow-key",
                "00",
                "--follow-token-file",
                "token",
            ],
            "key_invalid",
        ),
        (vec!["serve", "--snapshot-key", "nowhere"], "key_file_invalid"),
        (
            vec!["serve", "--snapshot-key", "k", "--admin-listen", "none"],
            "snapshots_without_port",
        ),
    ] {
        let arguments = [arguments, vec!["--http"]].concat();
        let ran = place.run(&arguments);
        assert!(ran.code.is_some_and(|code| code != 0), "{arguments:?}");
        assert!(ran.stderr.contains(wanted), "{arguments:?}: {ran:?}");
    }
}
