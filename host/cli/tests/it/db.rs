//! The command line: settings of accounts, backup and restore, export and import.
#![cfg(unix)]

use crate::common;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::database::Database;
use crate::common::{Place, Ran, run, verify, with_token};

fn done(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

fn code(ran: &Ran) -> (Option<i32>, String) {
    (
        ran.code,
        ran.json()["error"]["code"].as_str().unwrap_or_default().to_owned(),
    )
}

#[test]
fn account_commands_change_the_settings() {
    let place = Place::new();
    let add = [
        "account",
        "add",
        "alice",
        "--all-features",
        "--password-stdin",
        "--max-lifetime",
        "90d",
        "--json",
    ];
    let ran = done(place.run_with(&add, "correct horse\n"));
    let account = &ran.json()["account"];
    assert_eq!(account["maxLifetime"], 90 * 86_400);
    assert_eq!(account["hasPassword"], true);
    assert_eq!(account["expiryRequired"], false);
    let never = [
        "token",
        "create",
        "--user",
        "alice",
        "--name",
        "x",
        "--full",
        "--expires",
        "never",
        "--json",
    ];
    assert_eq!(code(&place.run(&never)), (Some(1), "expiry_required".to_owned()));

    let ran = done(place.run(&["account", "policy", "alice", "--max-lifetime", "none"]));
    assert!(ran.stdout.contains("New tokens of alice: any."), "{ran:?}");
    done(place.run(&never));
    let ran = done(place.run(&["account", "policy", "alice", "--expiry-required", "--json"]));
    assert_eq!(ran.json()["account"]["expiryRequired"], true);
    done(place.run(&["account", "policy", "alice", "--expiry-optional"]));
    let ran = done(place.run(&[
        "account",
        "policy",
        "alice",
        "--max-tokens=1",
        "--max-features=7",
        "--json",
    ]));
    assert_eq!(
        ran.json()["account"]["caps"],
        serde_json::json!({"tokens": 1, "features": 7})
    );
    let ran = done(place.run(&["account", "policy", "alice", "--max-features=default"]));
    assert!(ran.stdout.contains("any; 1 tokens."), "{ran:?}");
    let none = place.run(&["account", "policy", "alice", "--max-tokens=0", "--json"]);
    assert_eq!(code(&none), (Some(1), "value_invalid".to_owned()));
    assert_eq!(
        place.run(&["account", "policy", "alice", "--max-tokens=many"]).code,
        Some(2)
    );
    let second = ["token", "create", "--user", "alice", "--name", "y", "--full", "--json"];
    assert_eq!(code(&place.run(&second)), (Some(1), "tokens_too_many".to_owned()));
    done(place.run(&["account", "policy", "alice", "--max-tokens=default"]));
    let ran = done(place.run(&["db", "prune", "--revoked-for=1", "--json"]));
    assert_eq!(ran.json()["pruned"], 0);

    done(place.run(&["account", "rename", "alice", "anna"]));
    let ran = done(place.run(&["account", "list"]));
    assert!(ran.stdout.contains("anna") && !ran.stdout.contains("alice"), "{ran:?}");
    let ran = done(place.run(&["token", "list", "--user", "anna"]));
    assert!(ran.stdout.contains('x'));

    done(place.run_with(&["account", "password", "anna", "--stdin"], "another horse\n"));
    // The byte order mark that some shells and editors add is not part of the password.
    done(place.run_with(&["account", "password", "anna", "--stdin"], "\u{feff}12345678\r\n"));
    let short = place.run_with(
        &["account", "password", "anna", "--stdin", "--json"],
        "\u{feff}1234567\n",
    );
    assert_eq!(code(&short), (Some(1), "password_length".to_owned()));
    let short = place.run_with(&["account", "password", "anna", "--stdin", "--json"], "short\n");
    assert_eq!(code(&short), (Some(1), "password_length".to_owned()));
    assert!(!place.holds(b"another horse") && !place.holds(b"correct horse"));
    for wrong in ["0", "0d", "-1", "1.5", "9999999999999999999d", "d", "1dd", "", "1w"] {
        let ran = place.run(&["account", "policy", "anna", &format!("--max-lifetime={wrong}")]);
        assert_eq!(ran.code, Some(2), "{wrong}");
    }
    assert_eq!(place.run(&["account", "policy", "anna"]).code, Some(2));
    let unknown = place.run(&["account", "rename", "nobody", "x", "--json"]);
    assert_eq!(code(&unknown), (Some(1), "account_unknown".to_owned()));
}

#[test]
fn backup_is_private_and_restore_needs_a_choice() {
    let (place, token) = with_token(&["--full"]);
    let ran = done(place.run(&["db", "backup", "backup.jsonl"]));
    assert!(ran.stdout.contains("1 accounts and 1 tokens"), "{ran:?}");
    let file = place.folder.path().join("backup.jsonl");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains(&token));
    assert_eq!(
        fs::read_dir(place.folder.path())
            .unwrap()
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .file_name()
                    .to_string_lossy()
                    .starts_with(".tmp")
            })
            .count(),
        0
    );

    let header = format!("cpanel alice:{token}");
    done(place.run(&["token", "revoke", "--user", "alice", "deploy"]));
    done(place.run(&["db", "restore", "backup.jsonl", "--revived=keep"]));
    assert_eq!(verify(&place, &header, &[]).1, "token_revoked");

    let other = ["--database", "other.db"];
    let restore = |more: &[&str]| place.run(&[&["db", "restore", "backup.jsonl"], more, &other[..]].concat());
    assert_eq!(code(&restore(&["--json"])), (Some(2), "restore_revives".to_owned()));
    let ran = restore(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("1 live tokens of the backup are missing"),
        "{ran:?}"
    );
    let ran = done(restore(&["--revived=keep"]));
    assert!(ran.stdout.contains("1 live tokens"), "{ran:?}");
    assert_eq!(verify(&place, &header, &other).1, "ok");
    done(place.run(&["db", "check", "--database", "other.db"]));

    fs::write(&file, text.replace("alice", "malice")).unwrap();
    assert_eq!(code(&restore(&["--json"])), (Some(1), "archive_damaged".to_owned()));
    assert_eq!(
        code(&place.run(&["db", "restore", "none.jsonl", "--json"])),
        (Some(5), "archive_failed".to_owned())
    );
    assert_eq!(
        code(&place.run(&["db", "backup", "no/such/folder", "--json"])),
        (Some(5), "system_failed".to_owned())
    );
}

#[test]
fn export_can_be_imported_into_another_database() {
    let (place, token) = with_token(&["--full"]);
    let export = done(place.run(&["export"]));
    assert!(
        export
            .stdout
            .starts_with("{\"kind\":\"tokenlatch-export\",\"format\":1,"),
        "{export:?}"
    );
    assert!(!export.stdout.contains(&token));
    let other = ["--database", "other.db"];
    let ran = done(place.run_with(&[&["import", "-"], &other[..]].concat(), &export.stdout));
    assert!(ran.stdout.contains("Imported 1 accounts and 1 tokens"), "{ran:?}");
    assert_eq!(verify(&place, &format!("cpanel alice:{token}"), &other).1, "ok");
    done(place.run(&["export", "--user", "alice", "export.jsonl"]));
    done(place.run(&["import", "export.jsonl"]));
    let refused = place.run(&["db", "restore", "export.jsonl", "--json"]);
    assert_eq!(code(&refused), (Some(1), "archive_kind".to_owned()));
    let refused = place.run(&["export", "--user", "nobody", "--json"]);
    assert_eq!(code(&refused), (Some(1), "account_unknown".to_owned()));
}

#[test]
fn db_check_finds_damage() {
    let (place, _) = with_token(&["--full"]);
    let ran = done(place.run(&["db", "check"]));
    assert!(ran.stdout.contains("intact"));
    run(async {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", place.database))
            .await
            .unwrap();
        sqlx::query("DROP TRIGGER tokens_update_revoked")
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
    });
    let ran = place.run(&["db", "check", "--json"]);
    assert_eq!((ran.code, &ran.json()["sound"]), (Some(3), &serde_json::json!(false)));
    assert!(ran.stdout.contains("tokens_update_revoked"), "{ran:?}");
}

#[test]
fn the_command_line_works_over_postgresql() {
    let Some(database) = run(Database::postgres()) else {
        return;
    };
    let mut place = Place::new();
    place.database.clone_from(&database.address);
    let missing = place.run(&["account", "list", "--json"]);
    assert_eq!(code(&missing), (Some(3), "store_missing".to_owned()));
    done(place.run(&["account", "add", "alice", "--all-features"]));
    let token = common::create(&place, &["--full"]);
    let header = format!("cpanel alice:{token}");
    assert_eq!(verify(&place, &header, &[]).1, "ok");
    done(place.run(&["db", "backup", "backup.jsonl"]));
    done(place.run(&["token", "revoke", "--user", "alice", "deploy"]));
    assert_eq!(verify(&place, &header, &[]).1, "token_revoked");
    done(place.run(&["db", "restore", "backup.jsonl", "--revived=keep"]));
    assert_eq!(verify(&place, &header, &[]).1, "token_revoked");
    done(place.run(&["db", "check"]));
}

#[test]
fn backup_and_export_keep_the_administrator_flag() {
    let place = Place::new();
    let add = ["account", "add", "root", "--all-features", "--administrator", "--json"];
    assert_eq!(done(place.run(&add)).json()["account"]["administrator"], true);
    let add = ["account", "add", "alice", "--all-features", "--json"];
    assert_eq!(done(place.run(&add)).json()["account"]["administrator"], false);
    let switch = |name: &str, switch: &str| place.run(&["account", "administrator", name, switch, "--json"]);
    assert_eq!(done(switch("alice", "on")).json()["account"]["administrator"], true);
    assert_eq!(done(switch("root", "off")).json()["account"]["administrator"], false);
    assert_eq!(code(&switch("nobody", "on")), (Some(1), "account_unknown".to_owned()));
    assert_eq!(switch("alice", "perhaps").code, Some(2));
    let text = done(place.run(&["account", "list"])).stdout;
    let of = |user: &str| text.lines().find(|line| line.contains(user)).unwrap().to_owned();
    assert!(of("alice").contains("yes") && !of("root").contains("yes"), "{text}");

    for (write, read) in [("export", "import"), ("backup", "restore")] {
        let file = place.folder.path().join(write);
        let file = file.to_str().unwrap();
        let words: &[&str] = if write == "backup" {
            &["db", "backup", file]
        } else {
            &["export", file]
        };
        done(place.run(words));
        let other = Place::new();
        let words: &[&str] = if read == "restore" {
            &["db", "restore", file]
        } else {
            &["import", file]
        };
        done(other.run(words));
        let accounts = done(other.run(&["account", "list", "--json"])).json();
        for account in accounts["accounts"].as_array().unwrap() {
            assert_eq!(account["administrator"], account["user"] == "alice", "{read}");
        }
    }
}
