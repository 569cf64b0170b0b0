//! Revisions: the position of the stored data in its history.

use super::error::StoreError;

/// The number of random low bits in a version.
const RANDOM_BITS: u32 = 20;

/// The position of the stored data. Two revisions are equal only if they name the same change of the same history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Changes when readers must load everything again: after an account was renamed or removed, or a backup restored.
    pub epoch: i64,
    /// Increases with every committed change of an account or a token.
    pub number: i64,
    /// A random number for each change. A database that was put back reaches the same revisions with different numbers.
    pub change: i64,
}

/// A revision as edges know it, as two numbers below 2⁵³. The version increases with the revision and ends in random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// The revision's epoch.
    pub epoch: i64,
    /// The revision, followed by 20 bits of the change.
    pub version: i64,
}

/// A stamp of the store's state: equal to an earlier one only if nothing was committed between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevisionStamp(pub(super) [u8; 48]);

impl Revision {
    /// Returns the revision as edges know it.
    #[must_use]
    pub fn version(self) -> Version {
        let random = self.change & ((1 << RANDOM_BITS) - 1);
        Version {
            epoch: self.epoch,
            version: (self.number << RANDOM_BITS) | random,
        }
    }

    /// Returns the number after which a reader at `since` must read on; `None` if it must read everything. A reader
    /// from before `pruned` would miss revocations.
    pub(super) fn newer_than(self, since: Option<Revision>, history: History, pruned: i64) -> Option<i64> {
        since
            .filter(|since| since.epoch == self.epoch && history == History::Known && since.number >= pruned)
            .map(|since| since.number)
    }
}

impl From<Revision> for Version {
    fn from(revision: Revision) -> Version {
        revision.version()
    }
}

impl Version {
    /// The revision's number.
    pub(crate) fn number(self) -> i64 {
        self.version >> RANDOM_BITS
    }
}

/// Whether a revision belongs to the history of this database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// The revision belongs to it.
    Known,
    /// The revision is older than the kept revisions.
    Pruned,
    /// The revision does not belong to it: the database was put back to an older state, or is another one.
    Lost,
}

impl History {
    /// Classifies a reader's revision by the oldest kept number and the change that is kept for the reader's number.
    pub(super) fn of(since: Revision, oldest: i64, kept: Option<i64>) -> History {
        match kept {
            Some(change) if change == since.change => History::Known,
            None if since.number < oldest => History::Pruned,
            _ => History::Lost,
        }
    }
}

/// Returns the distance to the next epoch. It is random because the database may be a copy that was put back: its next epoch
/// must not be one that the database had before and that readers know.
pub(super) fn epoch_step() -> Result<i64, StoreError> {
    let chance = getrandom::u32().map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(i64::from(chance).saturating_add(1))
}

/// Creates a stamp for tests.
#[cfg(test)]
pub(crate) fn stamp(byte: u8) -> Option<RevisionStamp> {
    Some(RevisionStamp([byte; 48]))
}
