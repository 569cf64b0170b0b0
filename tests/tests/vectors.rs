//! Every vector on the native core: `conformance` without a module. It is built in seconds after a change of the core.

use tokenlatch_tests::runtimes::Native;
use tokenlatch_tests::{Fault, run, vectors};

#[test]
fn the_native_core_answers_every_vector() -> Result<(), Fault> {
    let vectors = vectors::load()?;
    let outcome = run(&mut Native::default(), &vectors)?;
    assert!(outcome.is_good(), "{}", outcome.failures.join("\n"));
    Ok(())
}
