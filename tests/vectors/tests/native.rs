//! Every vector on the native core. It is built in seconds after a change of the core.

use tokenlatch_vectors::fault::Fault;
use tokenlatch_vectors::native::Native;
use tokenlatch_vectors::suite::run;
use tokenlatch_vectors::vectors::{Vectors, files, others, read};

/// Stops after the first file with a wrong answer, and takes the large requests last: a mutant is caught sooner.
#[test]
fn the_native_core_answers_every_vector() -> Result<(), Fault> {
    let (large, usual): (Vec<_>, Vec<_>) = files()?.into_iter().partition(|path| path.ends_with("large.json"));
    assert_eq!(large.len(), 1);
    for path in usual {
        check(&read(&path)?)?;
    }
    check(&others()?)?;
    for path in large {
        check(&read(&path)?)?;
    }
    Ok(())
}

fn check(vectors: &Vectors) -> Result<(), Fault> {
    let outcome = run(&mut Native::default(), vectors)?;
    assert!(outcome.is_good(), "{}", outcome.failures.join("\n"));
    Ok(())
}
