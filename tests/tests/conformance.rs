//! The conformance suite as a test, as run by `cargo run -p tokenlatch-tests --bin conformance`.

use tokenlatch_tests::report::table;
use tokenlatch_tests::{Conformance, Fault};

#[test]
fn all_runtimes_agree_on_every_vector() -> Result<(), Fault> {
    let conformance = Conformance::run(None)?;
    println!("{}\n{}", table(&conformance.outcomes), conformance.summary());
    for skipped in &conformance.skipped {
        println!("SKIPPED {skipped}");
    }
    let faults = conformance.faults();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // The native core and wasmtime are always available.
    assert!(conformance.outcomes.len() >= 2, "fewer than two runtimes ran");
    assert!(conformance.outcomes.iter().all(|outcome| outcome.vectors >= 400));
    Ok(())
}
