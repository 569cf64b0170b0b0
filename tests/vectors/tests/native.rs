//! Every vector on the native core. It is built in seconds after a change of the core.

use tokenlatch_vectors::fault::Fault;
use tokenlatch_vectors::native::Native;
use tokenlatch_vectors::suite::run;
use tokenlatch_vectors::vectors::load;

#[test]
fn the_native_core_answers_every_vector() -> Result<(), Fault> {
    let outcome = run(&mut Native::default(), &load()?)?;
    assert!(outcome.is_good(), "{}", outcome.failures.join("\n"));
    Ok(())
}
