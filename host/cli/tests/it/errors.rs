//! The command line: errors and exit codes, tables and help, zones and peppers.

use crate::common;
use crate::common::{Place, Ran, create, verify, with_token};

fn error_code(ran: &Ran) -> String {
    ran.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn exit_codes_and_coded_errors() {
    let place = Place::new();
    let ran = place.run(&["token", "list", "--user", "alice", "--json"]);
    assert_eq!((ran.code, error_code(&ran).as_str()), (Some(3), "store_missing"));
    assert!(
        !std::path::Path::new(&place.database).exists(),
        "only `account add` makes a database"
    );
    assert_eq!(
        place.run(&["account", "add", "alice"]).code,
        Some(2),
        "features have no default"
    );
    assert_eq!(place.run(&["account", "add", "alice", "--all-features"]).code, Some(0));
    let cases: &[(&[&str], i32, &str)] = &[
        (&["account", "add", "alice", "--all-features"], 1, "account_exists"),
        (&["account", "add", "a b", "--all-features"], 1, "user_character"),
        (&["account", "suspend", "bob"], 1, "account_unknown"),
        (
            &["token", "create", "--user", "bob", "--name", "x", "--full"],
            1,
            "account_unknown",
        ),
        (
            &["token", "create", "--user", "alice", "--name", "x y", "--full"],
            1,
            "name_character",
        ),
        (
            &[
                "token",
                "create",
                "--user",
                "alice",
                "--name",
                "x",
                "--full",
                "--expires",
                "soon",
            ],
            1,
            "expiry_invalid",
        ),
        (
            &[
                "token",
                "create",
                "--user",
                "alice",
                "--name",
                "x",
                "--full",
                "--expires",
                "-1",
            ],
            1,
            "expiry_invalid",
        ),
        (
            &[
                "token",
                "create",
                "--user",
                "alice",
                "--name",
                "x",
                "--full",
                "--expires",
                "0",
            ],
            1,
            "expiry_past",
        ),
        (
            &[
                "token",
                "create",
                "--user",
                "alice",
                "--name",
                "x",
                "--full",
                "--address",
                "1.2.3",
            ],
            1,
            "address_invalid",
        ),
        (
            &["token", "create", "--user", "alice", "--name", "x", "--features", ""],
            1,
            "feature_invalid",
        ),
        (&["token", "rename", "--user", "alice", "x", "y"], 1, "token_unknown"),
        (&["token", "list", "--user", "alice", "--page", "0"], 1, "page_invalid"),
        (&["account", "list", "--database", "/nowhere/x.db"], 3, "store_missing"),
        (
            &["account", "list", "--database", "mysql://u:p@h/d"],
            3,
            "store_unsupported",
        ),
        (
            &["account", "list", "--database", "postgres://u:p@127.0.0.1:1/d"],
            3,
            "store_unreachable",
        ),
        (&["account", "list", "--time-zone", "Mars/Base"], 5, "zone_unknown"),
        (
            &["account", "list", "--pepper-file", "/nowhere/p"],
            5,
            "pepper_file_invalid",
        ),
    ];
    for (arguments, code, named) in cases {
        let ran = place.run(&[arguments, &["--json"][..]].concat());
        assert_eq!(
            (ran.code, error_code(&ran).as_str()),
            (Some(*code), *named),
            "{arguments:?}: {ran:?}"
        );
        assert_eq!(ran.stderr, "");
        let ran = place.run(arguments);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(
            ran.stderr.starts_with("error: ") && ran.stderr.contains(named),
            "{ran:?}"
        );
    }
    for arguments in [
        &["token", "create", "--user", "alice", "--name", "x"][..],
        &[
            "token",
            "create",
            "--user",
            "alice",
            "--name",
            "x",
            "--full",
            "--features",
            "a",
        ],
        &["token", "verify", "--module", "Email"],
        &[
            "token",
            "verify",
            "--feature",
            "a",
            "--module",
            "Email",
            "--function",
            "f",
        ],
        &["nonsense"],
        &[],
    ] {
        assert_eq!(place.run(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn expiry_dates_end_in_the_given_time_zone() {
    let (place, _) = with_token(&["--full", "--expires", "2030-07-01", "--time-zone", "Europe/Berlin"]);
    let listed = place.run(&["token", "list", "--user", "alice", "--json"]).json();
    assert_eq!(
        listed["tokens"][0]["expires"], 1_909_173_599,
        "2030-07-01T23:59:59+02:00"
    );
    let table = place
        .run(&["token", "list", "--user", "alice", "--time-zone", "Europe/Berlin"])
        .stdout;
    assert!(table.contains("2030-07-01 23:59:59 CEST"), "{table}");
    let winter = [
        "token",
        "create",
        "--user",
        "alice",
        "--name",
        "w",
        "--full",
        "--expires",
        "2031-01-01",
    ];
    assert_eq!(
        place
            .run(&[&winter[..], &["--time-zone", "America/New_York"]].concat())
            .code,
        Some(0)
    );
    let listed = place
        .run(&["token", "list", "--user", "alice", "--search", "w", "--json"])
        .json();
    assert_eq!(
        listed["tokens"][0]["expires"], 1_925_096_399,
        "2031-01-01T23:59:59-05:00"
    );
}

#[test]
#[cfg(unix)]
fn peppers_come_from_a_private_file_and_rotate() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let file = place.folder.path().join("peppers");
    let path = file.to_str().unwrap().to_owned();
    let key = |digit: &str| digit.repeat(64);
    let write = |text: &str, mode: u32| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write(&format!("# the first\n2026a:{}\n", key("a")), 0o600);
    assert_eq!(place.run(&["account", "add", "alice", "--all-features"]).code, Some(0));
    let token = create(&place, &["--full", "--pepper-file", &path]);
    let header = format!("cpanel alice:{token}");
    assert_eq!(verify(&place, &header, &["--pepper-file", &path]).1, "ok");
    // Without the pepper its hash is not found.
    assert_eq!(verify(&place, &header, &[]).1, "token_unknown");
    // With a newer pepper in front, as JSON.
    write(
        &format!(
            r#"[{{"id":"2026b","key":"{}"}},{{"id":"2026a","key":"{}"}}]"#,
            key("b"),
            key("a")
        ),
        0o600,
    );
    assert_eq!(verify(&place, &header, &["--pepper-file", &path]).1, "ok");

    for (text, mode) in [
        (format!("2026a:{}", key("a")), 0o604),
        (format!("2026a:{}", key("a")), 0o660),
        (String::new(), 0o600),
        (format!("2026a {}", key("a")), 0o600),
        (format!("[{{\"id\":\"2026a\",\"kye\":\"{}\"}}]", key("a")), 0o600),
    ] {
        write(&text, mode);
        let ran = place.run(&["account", "list", "--pepper-file", &path]);
        assert_eq!(ran.code, Some(5), "{text} {mode:o}: {ran:?}");
        assert!(
            ran.stderr.contains("pepper_file_invalid") && !ran.stderr.contains("aaaa"),
            "{ran:?}"
        );
    }
    write(&format!("2026a:{}", "zz".repeat(32)), 0o600);
    let ran = place.run(&[
        "token",
        "create",
        "--user",
        "alice",
        "--name",
        "y",
        "--full",
        "--pepper-file",
        &path,
        "--json",
    ]);
    assert_eq!((ran.code, error_code(&ran).as_str()), (Some(1), "pepper_invalid"));
    assert!(!ran.stdout.contains("zzzz"), "{ran:?}");
}

#[test]
fn output_without_a_terminal_is_aligned_and_uncoloured() {
    let (place, _) = with_token(&["--full"]);
    place.run(&[
        "token",
        "create",
        "--user",
        "alice",
        "--name",
        "much-longer-name",
        "--full",
        "--expires",
        "never",
    ]);
    let table = place.run(&["token", "list", "--user", "alice"]).stdout;
    assert!(!table.contains('\x1b'), "{table}");
    let lines: Vec<&str> = table.lines().collect();
    let column = lines[0].find("STATUS").unwrap();
    assert!(
        lines[1][column..].starts_with("active") && lines[2][column..].starts_with("active"),
        "{table}"
    );
    assert!(
        table.contains("never") && table.contains("Page 1 of 1, 2 tokens in all."),
        "{table}"
    );
}

#[test]
fn expiring_and_expired_tokens_are_marked_by_a_word() {
    let soon = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 2;
    let (place, token) = with_token(&["--full", "--expires", &soon.to_string()]);
    assert!(
        place
            .run(&["token", "list", "--user", "alice"])
            .stdout
            .contains("expiring")
    );
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    assert!(
        place
            .run(&["token", "list", "--user", "alice"])
            .stdout
            .contains("expired")
    );
    assert_eq!(verify(&place, &format!("cpanel alice:{token}"), &[]).1, "token_expired");
}

#[test]
fn demo_shows_the_token_lifecycle() {
    let place = Place::new();
    let ran = place.run(&["demo"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for word in [
        "module ",
        "ok",
        "user_mismatch",
        "token_expired",
        "token_revoked",
        "read_only",
        "feature_not_granted",
        "entropy_weak",
    ] {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    let document = place.run(&["demo", "--json"]).json();
    assert_eq!(document["ok"], true);
    assert_eq!(document["module"]["sha256"], common::module().sha256());
    assert!(!std::path::Path::new(&place.database).exists());
}

#[test]
fn module_command_shows_the_modules_hash() {
    let place = Place::new();
    let document = place.run(&["module", "--json"]).json();
    assert_eq!(document["sha256"], common::module().sha256());
    assert_eq!(document["abi"], 1);
    assert!(place.run(&["module"]).stdout.contains(common::module().sha256()));
}

#[test]
fn help_contains_examples() {
    let place = Place::new();
    let help = place.run(&["--help"]).stdout;
    for word in [
        "Exit codes",
        "Start here",
        "tokenlatch demo",
        "--json",
        "--pepper-file",
        "TOKENLATCH_DATABASE",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
    for arguments in [
        &["token", "create", "--help"][..],
        &["token", "verify", "--help"],
        &["account", "add", "--help"],
    ] {
        assert!(place.run(arguments).stdout.contains("Examples"), "{arguments:?}");
    }
}
