//! Tests the mutants that have no outcome yet.

use std::time::Instant;

use tokenlatch_vectors::fault::Fault;

use crate::folders::Folders;
use crate::mutant::Mutant;
use crate::results::{Outcome, Results};
use crate::tool::{self, Tests};

/// Mutants of one start of cargo-mutants. What a stopped batch has found is kept too.
const BATCH: usize = 25;

/// Tests all mutants with the fast tests, and those that survive with all tests.
pub(crate) fn all(folders: &Folders, mutants: &[Mutant], results: &mut Results) -> Result<(), Fault> {
    let pending = [Tests::Fast, Tests::Whole].map(|tests| waiting(mutants, results, tests).len());
    if pending == [0, 0] {
        return Ok(());
    }
    if !results.sound {
        eprintln!("building the tests and running them without a mutant; the first time takes minutes");
        tool::baseline(folders)?;
        results.sound = true;
        results.save(folders)?;
    }
    for tests in [Tests::Fast, Tests::Whole] {
        let total = waiting(mutants, results, tests).len();
        if tests == Tests::Whole && total > 0 {
            eprintln!("{total} mutants survived the fast tests; all tests are next");
        }
        batches(folders, mutants, results, tests, total)?;
    }
    Ok(())
}

fn batches(
    folders: &Folders,
    mutants: &[Mutant],
    results: &mut Results,
    tests: Tests,
    total: usize,
) -> Result<(), Fault> {
    let begun = Instant::now();
    let mut left = total;
    while left > 0 {
        let now = waiting(mutants, results, tests);
        let batch: Vec<usize> = now.iter().take(BATCH).map(|mutant| mutant.number).collect();
        let all = tool::list(folders)?;
        let others: Vec<&Mutant> = all.iter().filter(|mutant| !batch.contains(&mutant.number)).collect();
        tool::test(folders, &others, tests)?;
        results.take_over(folders)?;
        let still = waiting(mutants, results, tests).len();
        if still == left {
            let log = folders.log();
            return Err(Fault::new(format!(
                "cargo-mutants tested nothing; the output is in {}",
                log.display()
            )));
        }
        left = still;
        let done = total - left;
        let seconds = begun.elapsed().as_secs() * left as u64 / (done as u64).max(1);
        eprintln!(
            "{done} of {total} mutants tested, about {} minutes left",
            seconds.div_ceil(60)
        );
    }
    Ok(())
}

/// The mutants that are to be run against these tests.
fn waiting<'m>(mutants: &'m [Mutant], results: &Results, tests: Tests) -> Vec<&'m Mutant> {
    let wanted = match tests {
        Tests::Fast => None,
        Tests::Whole => Some(Outcome::Slow),
    };
    mutants.iter().filter(|mutant| results.of(mutant) == wanted).collect()
}
