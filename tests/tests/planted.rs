//! The planted bugs still apply to the tree. `cargo run -p tokenlatch-tests --bin planted` shows that tests catch them.

use std::collections::BTreeSet;

use tokenlatch_tests::Fault;
use tokenlatch_tests::planted::{patches, workspace};

#[test]
fn every_planted_bug_applies_to_the_tree() -> Result<(), Fault> {
    let patches = patches()?;
    assert!(patches.len() >= 25, "there are {} patches", patches.len());
    for patch in &patches {
        let changes = patch.changes(&workspace()).map_err(Fault::during(&patch.name))?;
        assert!(
            changes.iter().all(|change| change.before != change.after),
            "{} changes nothing",
            patch.name
        );
    }
    let mistakes: BTreeSet<&str> = patches.iter().map(|patch| patch.mistake.as_str()).collect();
    assert_eq!(mistakes.len(), patches.len(), "a mistake is described twice");
    Ok(())
}
