//! The command line asks before an irreversible action, never replaces a file silently, and prints examples that can be copied.
#![cfg(unix)]

use std::fs;
use std::process::Command;

use crate::common::{Place, Ran, with_token};

/// Runs a command on a terminal, with typed input. `None`, reported as a skip, if there is no program for that.
fn on_a_terminal(place: &Place, arguments: &str, typed: &str) -> Option<Ran> {
    if Command::new("script").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("TOKENLATCH_REQUIRE_ALL").is_none(),
            "script is missing"
        );
        eprintln!("SKIPPED: script is missing, so there is no terminal");
        return None;
    }
    // Uses the environment of a run without a terminal.
    let plain = place.command(&[]);
    let line = format!("'{}' {arguments}", plain.get_program().to_str().unwrap());
    let mut command = Command::new("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .current_dir(place.folder.path());
    for (name, value) in plain.get_envs() {
        command.env(name, value.unwrap());
    }
    command
        .env("PATH", std::env::var("PATH").unwrap())
        .env("SHELL", "/bin/sh");
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), typed.as_bytes()).unwrap();
    Some(Ran::of(child.wait_with_output().unwrap()))
}

#[test]
fn terminal_removal_requires_typing_the_account_name() {
    let (place, _) = with_token(&["--full"]);
    let Some(ran) = on_a_terminal(&place, "account remove alice", "alic\n") else {
        return;
    };
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("its token stops working"), "{ran:?}");
    assert!(ran.stdout.contains("not_confirmed"), "{ran:?}");
    assert!(place.run(&["account", "list"]).stdout.contains("alice"));

    let ran = on_a_terminal(&place, "account remove alice", "alice\n").unwrap();
    assert!(
        ran.code == Some(0) && ran.stdout.contains("Removed the account alice"),
        "{ran:?}"
    );

    place.run(&["account", "add", "bob", "--all-features"]);
    let ran = on_a_terminal(&place, "account remove bob --yes", "").unwrap();
    assert!(ran.code == Some(0) && !ran.stdout.contains("Type the name"), "{ran:?}");
}

#[test]
fn script_removes_an_account_without_confirmation() {
    let (place, _) = with_token(&["--full"]);
    let ran = place.run(&["account", "remove", "alice"]);
    assert!(
        ran.code == Some(0) && ran.stdout.contains("Revoked its tokens: deploy."),
        "{ran:?}"
    );
    let ran = place.run(&["--json", "account", "remove", "alice", "--yes"]);
    assert_eq!(
        (ran.code, &ran.json()["error"]["code"]),
        (Some(1), &"account_unknown".into())
    );
}

#[test]
fn existing_file_is_replaced_only_with_force() {
    let (place, _) = with_token(&["--full"]);
    let file = place.folder.path().join("mine");
    for command in [&["db", "backup", "mine"][..], &["export", "mine"]] {
        fs::write(&file, "my own words").unwrap();
        let ran = place.run(&[&["--json"], command].concat());
        assert_eq!(
            (ran.code, &ran.json()["error"]["code"]),
            (Some(1), &"file_exists".into()),
            "{ran:?}"
        );
        assert!(place.run(command).stderr.contains("--force"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "my own words");
        let ran = place.run(&[command, &["--force"]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(
            fs::read_to_string(&file)
                .unwrap()
                .starts_with("{\"kind\":\"tokenlatch-")
        );
    }
    // A dangling link counts as an existing file.
    std::os::unix::fs::symlink("nowhere", place.folder.path().join("link")).unwrap();
    assert_eq!(place.run(&["db", "backup", "link"]).code, Some(1));
    assert!(
        place
            .folder
            .path()
            .join("link")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn help_examples_fit_eighty_columns() {
    let place = Place::new();
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["uapi", "--help"],
        &["whmapi1", "--help"],
        &["account", "add", "--help"],
        &["token", "create", "--help"],
        &["token", "verify", "--help"],
        &["db", "restore", "--help"],
    ] {
        let output = place.command(arguments).env("COLUMNS", "80").output().unwrap();
        let help = Ran::of(output).stdout;
        let examples = help.split_once("\nExamples:\n").or(help.split_once("\nStart here:\n"));
        let (_, examples) = examples.unwrap_or_else(|| panic!("{arguments:?}: {help}"));
        let mut goes_on = false;
        for line in examples.lines().take_while(|line| !line.is_empty()) {
            let begins = line.starts_with("  tokenlatch ") || line.starts_with("  echo ");
            assert!(
                begins || (goes_on && line.starts_with("    ")),
                "{arguments:?}: `{line}` in {examples}"
            );
            goes_on = line.ends_with(" \\") || line.ends_with(" |");
        }
        assert!(!goes_on, "{examples}");
    }
}
