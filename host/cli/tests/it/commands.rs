//! The command line: the life of a token, where output goes, and what survives a kill.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::common::{Place, create, verify, with_token};
use serde_json::Value;

const MAIL: [&str; 4] = ["--module", "Email", "--function", "list_pops"];

#[test]
fn token_works_through_its_whole_lifecycle() {
    let (place, token) = with_token(&["--full"]);
    assert_eq!(token.len(), 32);
    let header = format!("cpanel alice:{token}");
    assert_eq!(verify(&place, &header, &MAIL), (Some(0), "ok".to_owned()));
    assert_eq!(
        verify(&place, &format!("cpanel bob:{token}"), &MAIL),
        (Some(1), "user_mismatch".to_owned())
    );

    assert_eq!(
        place
            .run(&["token", "rename", "--user", "alice", "deploy", "ship"])
            .code,
        Some(0)
    );
    assert_eq!(verify(&place, &header, &MAIL).1, "ok");
    let listed = place.run(&["token", "list", "--user", "alice", "--json"]).json();
    assert_eq!(listed["total"], 1);
    assert_eq!(listed["tokens"][0]["name"], "ship");
    assert_eq!(listed["tokens"][0]["status"], "active");

    assert_eq!(place.run(&["account", "suspend", "alice"]).code, Some(0));
    assert_eq!(
        verify(&place, &header, &MAIL),
        (Some(1), "account_suspended".to_owned())
    );
    assert_eq!(place.run(&["account", "resume", "alice"]).code, Some(0));
    assert_eq!(
        place
            .run(&["account", "features", "alice", "--features", "apitokens"])
            .code,
        Some(0)
    );
    assert_eq!(verify(&place, &header, &MAIL).1, "feature_not_in_account");
    assert_eq!(
        place.run(&["account", "features", "alice", "--all-features"]).code,
        Some(0)
    );

    assert_eq!(place.run(&["token", "revoke", "--user", "alice", "ship"]).code, Some(0));
    assert_eq!(verify(&place, &header, &MAIL), (Some(1), "token_revoked".to_owned()));
    let ran = place.run(&["token", "revoke", "--user", "alice", "ship", "--json"]);
    assert_eq!((ran.code, ran.json()["unknown"][0].as_str()), (Some(1), Some("ship")));

    let again = create(&place, &["--full"]);
    let removed = place.run(&["account", "remove", "alice", "--json"]).json();
    assert_eq!(removed["revokedTokens"][0], "deploy");
    assert_eq!(
        verify(&place, &format!("cpanel alice:{again}"), &MAIL).1,
        "token_revoked"
    );
}

#[test]
fn limits_set_at_creation_are_enforced() {
    let arguments = [
        "--features",
        "popaccts",
        "--read-only",
        "--address",
        "192.0.2.0/24",
        "--prefix",
        "acme",
    ];
    let (place, token) = with_token(&arguments);
    assert!(token.starts_with("acme_"), "{token}");
    let header = format!("Bearer {token}");
    let from = ["--address", "192.0.2.7"];
    assert_eq!(verify(&place, &header, &[&MAIL[..], &from].concat()).1, "ok");
    assert_eq!(verify(&place, &header, &MAIL).1, "address_unknown");
    assert_eq!(
        verify(&place, &header, &[&MAIL[..], &["--address", "198.51.100.1"]].concat()).1,
        "address_refused"
    );
    assert_eq!(
        verify(&place, &header, &[&["--feature", "popaccts"], &from[..]].concat()).1,
        "read_only"
    );
    assert_eq!(
        verify(
            &place,
            &header,
            &[&["--feature", "popaccts", "--reads"], &from[..]].concat()
        )
        .1,
        "ok"
    );
    assert_eq!(
        verify(
            &place,
            &header,
            &[&["--feature", "ftpaccts", "--reads"], &from[..]].concat()
        )
        .1,
        "feature_not_granted"
    );
    assert_eq!(verify(&place, &header, &from).1, "function_without_feature");
}

#[test]
fn a_token_is_printed_once_and_stored_nowhere() {
    let (place, token) = with_token(&["--full"]);
    for secret in [token.as_str(), &token[4..28]] {
        assert!(!place.holds(secret.as_bytes()));
    }
    let ran = place.run(&["token", "create", "--user", "alice", "--name", "other", "--full"]);
    assert!(!ran.stderr.contains(ran.stdout.trim_end()), "{ran:?}");
    for arguments in [
        &["token", "list", "--user", "alice"][..],
        &["token", "list", "--user", "alice", "--json"],
        &["token", "rename", "--user", "alice", "deploy", "ship", "--json"],
        &["account", "list", "--json"],
    ] {
        let ran = place.run(arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.stdout.contains(&token) && !ran.stderr.contains(&token), "{ran:?}");
        assert!(!ran.stdout.contains("sha256:"), "a hash is nobody's business: {ran:?}");
    }
    let ran = place.run_with(
        &["token", "verify"],
        &format!("cpanel alice:{token}\nnonsense {token}\n{token}\n"),
    );
    assert!(!ran.stdout.contains(&token) && !ran.stderr.contains(&token), "{ran:?}");
}

#[test]
fn verify_checks_each_line_of_standard_input() {
    let (place, token) = with_token(&["--full"]);
    let good = format!("cpanel alice:{token}");
    let ran = place.run_with(&["token", "verify"], &format!("{good}\n\nCPANEL  alice:{token}"));
    let reasons: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["reason"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(reasons, ["ok", "header_missing", "ok"]);
    assert_eq!(ran.code, Some(1));
    let marked = place.run_with(&["token", "verify"], &format!("\u{feff}{good}\n"));
    assert_eq!(marked.code, Some(0), "{marked:?}");
    assert_eq!(
        place.run_with(&["token", "verify"], "").code,
        Some(1),
        "nothing verified is nothing admitted"
    );

    let huge = "x".repeat(1 << 20);
    let ran = place.run_with(
        &["token", "verify"],
        &format!("{huge}\n{good}\n{good}\r\n\tcpanel alice:{token}\n"),
    );
    let reasons: Vec<bool> = ran
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["allowed"]
                .as_bool()
                .unwrap()
        })
        .collect();
    assert_eq!(reasons, [false, true, false, false]);
}

#[test]
fn every_bad_header_gets_the_same_refusal() {
    let (place, token) = with_token(&["--full"]);
    place.run(&["token", "revoke", "--user", "alice", "deploy"]);
    let headers = [
        String::new(),
        "nonsense".to_owned(),
        "cpanel alice:ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".to_owned(),
        format!("cpanel alice:{token}"),
        format!("cpanel mallory:{token}"),
    ];
    let ran = place.run_with(&["token", "verify"], &format!("{}\n", headers.join("\n")));
    let refusals: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["refusal"].clone())
        .collect();
    assert_eq!(refusals.len(), headers.len());
    assert!(
        refusals
            .iter()
            .all(|refusal| refusal == &refusals[0] && refusal["status"] == 401),
        "{refusals:?}"
    );
}

#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    let (place, token) = with_token(&["--full"]);
    let mut child = place
        .command(&["token", "verify"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // The command may end before it has read everything.
    let _ = stdin.write_all(format!("cpanel alice:{token}\n").repeat(1_000).as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn acknowledged_writes_survive_a_kill() {
    let place = Place::new();
    assert_eq!(place.run(&["account", "add", "alice", "--all-features"]).code, Some(0));
    // A process that holds the database open while others write, and is killed in that state.
    let mut holder = place
        .command(&["token", "verify"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    holder.stdin.as_mut().unwrap().write_all(b"nonsense\n").unwrap();
    lines.next().unwrap().unwrap();

    let mut kept = Vec::new();
    for round in 0..12_u64 {
        let name = format!("t{round}");
        let mut child = place
            .command(&["token", "create", "--user", "alice", "--name", &name, "--full"])
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(round * 25));
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        let token = String::from_utf8(output.stdout).unwrap();
        if token.ends_with('\n') {
            kept.push((name, token.trim_end().to_owned()));
        }
    }
    let last = create(&place, &["--full"]);
    assert_eq!(
        place.run(&["token", "revoke", "--user", "alice", "deploy"]).code,
        Some(0)
    );
    holder.kill().unwrap();
    holder.wait().unwrap();

    assert_eq!(verify(&place, &format!("cpanel alice:{last}"), &[]).1, "token_revoked");
    for (name, token) in &kept {
        assert_eq!(verify(&place, &format!("cpanel alice:{token}"), &[]).1, "ok", "{name}");
    }
    let listed = place
        .run(&["token", "list", "--user", "alice", "--page-size", "1000", "--json"])
        .json();
    assert!(listed["total"].as_u64().unwrap() >= kept.len() as u64);
}
