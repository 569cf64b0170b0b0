//! The npm package's own tests, run as `npm test` runs them.

use std::error::Error;
use std::process::{Command, Stdio};

use tokenlatch_tests::build_package;

#[test]
fn the_npm_package_passes_its_tests() -> Result<(), Box<dyn Error>> {
    build_package()?;
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../js");
    let output = Command::new("npm")
        .args(["test", "--silent"])
        .current_dir(package)
        .stdin(Stdio::null())
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let counts: Vec<&str> = printed
        .lines()
        .filter(|line| ["pass ", "fail ", "skipped "].iter().any(|word| line.contains(word)))
        .collect();
    println!("npm test: {}", counts.join(", "));
    assert!(
        output.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
