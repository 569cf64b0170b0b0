//! Where the stored data stands, and what has changed since.

use tokenlatch_core::{Account, Record};

use super::error::StoreError;

/// How many of a version's low bits are random.
const RANDOM_BITS: u32 = 20;

/// Where the stored data stands. Two marks are equal only if they name the same change of the same history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Another one when a reader must load everything again: an account was renamed or removed, or a backup restored.
    pub epoch: i64,
    /// Rises with every committed change of an account or a token.
    pub revision: i64,
    /// Drawn at random for each change. A database that was put back reaches the same revisions, with other ones of these.
    pub change: i64,
}

/// A mark as edges know it, in two numbers below 2⁵³: the version rises with the revision and ends in random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// The mark's epoch.
    pub epoch: i64,
    /// The revision, followed by 20 bits of the change.
    pub version: i64,
}

/// A token of the store: equal to an earlier one only if nothing was committed between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(pub(super) [u8; 48]);

impl Mark {
    /// The mark as edges know it.
    #[must_use]
    pub fn version(self) -> Version {
        let random = self.change & ((1 << RANDOM_BITS) - 1);
        Version {
            epoch: self.epoch,
            version: (self.revision << RANDOM_BITS) | random,
        }
    }

    /// The revision after which a reader with the mark `since` must read on; `None` where it must read everything.
    /// A reader that stands before `pruned` would not learn of every revocation.
    pub(super) fn newer_than(self, since: Option<Mark>, history: History, pruned: i64) -> Option<i64> {
        since
            .filter(|since| since.epoch == self.epoch && history == History::Known && since.revision >= pruned)
            .map(|since| since.revision)
    }
}

impl From<Mark> for Version {
    fn from(mark: Mark) -> Version {
        mark.version()
    }
}

impl Version {
    /// The revision of the mark.
    pub(crate) fn revision(self) -> i64 {
        self.version >> RANDOM_BITS
    }
}

/// Whether a mark belongs to the history of the database that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// It does.
    Known,
    /// It is older than the marks that are kept.
    Pruned,
    /// It does not: the database was put back to an older state, or is another one.
    Lost,
}

impl History {
    /// Of a reader's mark, by the oldest revision that is kept and the mark that is kept of the reader's revision.
    pub(super) fn of(since: Mark, oldest: i64, kept: Option<i64>) -> History {
        match kept {
            Some(change) if change == since.change => History::Known,
            None if since.revision < oldest => History::Pruned,
            _ => History::Lost,
        }
    }
}

/// How far the next epoch is from this one. By chance, for the database may be a copy put back: then its next epoch must
/// not be one that the database had before, which readers know.
pub(super) fn epoch_step() -> Result<i64, StoreError> {
    let chance = getrandom::u32().map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(i64::from(chance).saturating_add(1))
}

/// How many revoked tokens a reader is given with everything, so that it can tell them from unknown ones. It refuses
/// them in any case.
pub const KEPT_REVOKED: usize = 10_000;

/// Revoked tokens that are removed in one step: each step holds up whoever writes.
pub(super) const PRUNED_AT_ONCE: i64 = 1_000;

/// An hour before a time: what was created since then counts against the cap of an hour.
pub(crate) fn hour_before(now: i64) -> i64 {
    now.saturating_sub(3_600)
}

/// What has changed.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Where the data stands with these changes.
    pub mark: Mark,
    /// Whether this is everything, and takes the place of whatever was read before.
    pub whole: bool,
    /// Whether the mark that was given belongs to this database.
    pub history: History,
    /// The accounts, without removed ones.
    pub accounts: Vec<Account>,
    /// The records: those that changed, revoked ones too. Where this is everything, the [`KEPT_REVOKED`] revoked last
    /// come first, in the order of their revocation, and then those that are not revoked, oldest first.
    pub records: Vec<Record>,
}

/// A token for tests.
#[cfg(test)]
pub(crate) fn stamp(byte: u8) -> Option<Stamp> {
    Some(Stamp([byte; 48]))
}
