//! The documents: their commands run as printed, and what they link exists.
#![cfg(unix)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

const README: &str = include_str!("../../../../README.md");
/// The README of the programs.
const PROGRAMS: &str = include_str!("../../README.md");

/// Every document for readers, from the root of the repository.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "core/OPERATIONS.md",
    "core/RULES.md",
    "core/SNAPSHOT.md",
    "host/README.md",
    "host/cli/README.md",
    "host/server/README.md",
    "host/server/deploy/README.md",
    "js/README.md",
    "tests/BENCHMARKS.md",
    "tests/README.md",
    "wasm/README.md",
];

fn blocks() -> Vec<&'static str> {
    README
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn deploy_guide_lists_every_function_without_a_feature() {
    let deploy = include_str!("../../../server/deploy/README.md");
    let listed = deploy
        .split("These functions have no feature")
        .nth(1)
        .unwrap_or_default();
    let listed = listed.split("\n## ").next().unwrap_or_default();
    let mut listed: Vec<&str> = listed.split('`').filter(|word| word.contains("::")).collect();
    let without = tokenlatch::core::functions().into_iter();
    let without = without.filter(|function| function.feature.is_none());
    let mut without: Vec<String> = without.map(|f| format!("{}::{}", f.module, f.function)).collect();
    listed.sort_unstable();
    without.sort_unstable();
    assert_eq!(listed, without);
}

#[test]
fn the_readme_starts_with_two_commands() {
    let first = blocks().first().copied().unwrap_or_default();
    let commands: Vec<&str> = first
        .lines()
        .filter_map(|line| line.split('#').next())
        .map(str::trim)
        .collect();
    assert_eq!(commands, ["cargo run --release -- serve", "cargo test --workspace"]);
    assert!(README.find("```sh").is_some_and(|at| at < 40), "they come first");
}

#[test]
fn cli_readme_session_runs_as_printed() -> Result<(), Box<dyn Error>> {
    let session = PROGRAMS
        .split("<!-- host/cli/tests/it/readme.rs runs this block -->\n```sh\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .ok_or("the README of the programs has no session")?;
    let folder = tempfile::tempdir()?;
    let program = Path::new(env!("CARGO_BIN_EXE_tokenlatch"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap_or(Path::new(".")).display(),
        std::env::var("PATH")?
    );
    let output = Command::new("sh")
        .args(["-eu", "-c", session])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .output()?;
    let printed = String::from_utf8(output.stdout)?;
    assert!(
        output.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(printed.contains(r#""allowed":true"#), "{printed}");
    Ok(())
}

#[test]
fn documents_have_no_broken_links() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for document in DOCUMENTS {
        let path = root.join(document);
        let text = std::fs::read_to_string(&path)?;
        let folder = path.parent().unwrap_or(&root);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let linked = if file.is_empty() {
                path.clone()
            } else {
                folder.join(file)
            };
            assert!(linked.exists(), "{document}: {link}");
            let text = std::fs::read_to_string(linked).unwrap_or_default();
            let anchors = text.lines().filter(|line| line.starts_with('#')).map(|line| {
                let words = line.trim_start_matches(['#', ' ']).to_lowercase();
                words.replace(' ', "-").replace([',', '.', '`', '?', ':'], "")
            });
            assert!(
                heading.is_empty() || anchors.collect::<Vec<_>>().contains(&heading.to_owned()),
                "{document}: {link}"
            );
        }
    }
    Ok(())
}
