//! The packed npm package in small real projects. Each is built and run: `tests/packaging`, run by `node --test`.

use std::path::Path;
use std::process::{Command, Stdio};

use tokenlatch_build::{Options, build};
use tokenlatch_tests::runtimes::install;
use tokenlatch_tests::{Fault, require_all};

#[test]
fn the_packed_package_works_in_every_kind_of_project() -> Result<(), Fault> {
    let built = build(&Options::default()).map_err(Fault::during("building the module"))?;
    let installed = match install(&built) {
        Ok(installed) => installed,
        Err(fault) if fault.is_missing() && !require_all() => {
            eprintln!("SKIPPED the packaging tests: {fault}");
            return Ok(());
        }
        Err(fault) => return Err(fault),
    };
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .args([
            "package.test.mjs",
            "runtimes.test.mjs",
            "bundlers.test.mjs",
            "runners.test.mjs",
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging"))
        .env("TOKENLATCH_TARBALL", &installed.tarball)
        .env("TOKENLATCH_TOOLS", &installed.tools)
        .stdin(Stdio::null())
        .output()
        .map_err(Fault::during("node"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    assert!(output.status.success(), "{said}{complaint}");
    Ok(())
}
