//! The store's stamp at the last check: while it stays the same, the table is up to date.

use std::time::{Duration, Instant};

use crate::store::RevisionStamp;

/// After this time the store is queried even if its stamp is unchanged.
const LONGEST: Duration = Duration::from_secs(1);

/// The store's stamp at the time the table was last brought up to date.
#[derive(Debug, Default)]
pub(super) struct StoreStamp {
    stamp: Option<RevisionStamp>,
    at: Option<Instant>,
    /// Set when the stamp stayed the same across a commit. The store is then queried each time.
    distrusted: bool,
}

impl StoreStamp {
    /// Whether this stamp shows that the table is still up to date.
    pub fn holds(&self, stamp: Option<RevisionStamp>) -> bool {
        !self.distrusted && stamp.is_some() && stamp == self.stamp && self.at.is_some_and(|at| at.elapsed() < LONGEST)
    }

    /// Records a check: the stamp before and after it, and whether it found a commit.
    pub fn confirm(&mut self, before: Option<RevisionStamp>, after: Option<RevisionStamp>, changed: bool) {
        if changed && after.is_some() && after == self.stamp {
            self.distrusted = true;
        }
        self.stamp = before;
        self.at = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::stamp;

    #[test]
    fn only_an_equal_stamp_proves_freshness() {
        let mut known = StoreStamp::default();
        assert!(!known.holds(stamp(1)), "nothing is known yet");
        known.confirm(stamp(1), stamp(1), false);
        assert!(known.holds(stamp(1)));
        assert!(!known.holds(stamp(2)));
        assert!(!known.holds(None));
        known.confirm(None, None, false);
        assert!(!known.holds(None), "no token is no proof");
    }

    #[test]
    fn stamp_unchanged_by_a_commit_is_never_trusted_again() {
        let mut known = StoreStamp::default();
        known.confirm(stamp(1), stamp(1), false);
        // The commit came between the first stamp and the query, so the second stamp differs.
        known.confirm(stamp(1), stamp(2), true);
        known.confirm(stamp(2), stamp(2), false);
        assert!(known.holds(stamp(2)));
        known.confirm(stamp(2), stamp(2), true);
        assert!(!known.holds(stamp(2)));
        known.confirm(stamp(3), stamp(3), false);
        assert!(!known.holds(stamp(3)));
    }
}
