//! Where the stored data stands, and what has changed since.

use tokenlatch_core::{Account, Record};

use super::error::StoreError;

/// Where the stored data stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Another one when a reader must load everything anew: an account was renamed or removed, or a backup restored.
    pub epoch: i64,
    /// Rises with every committed change of an account or a token.
    pub revision: i64,
}

/// A token of the store: equal to an earlier one only if nothing was committed between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(pub(super) [u8; 48]);

impl Mark {
    /// The revision after which a reader with the mark `since` must read on; `None` where it must read everything.
    /// A database that stands before what the reader has seen is another one, such as a copy put in its place.
    /// One that stands before `pruned` would not learn of every revocation.
    pub(super) fn newer_than(self, since: Option<Mark>, pruned: i64) -> Option<i64> {
        since
            .filter(|since| since.epoch == self.epoch && (pruned..=self.revision).contains(&since.revision))
            .map(|since| since.revision)
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
    /// The accounts, without removed ones.
    pub accounts: Vec<Account>,
    /// The records: those that changed, revoked ones too. Where this is everything, the [`KEPT_REVOKED`] revoked last
    /// come first, and then those that are not revoked, oldest first.
    pub records: Vec<Record>,
}

/// A token for tests.
#[cfg(test)]
pub(crate) fn stamp(byte: u8) -> Option<Stamp> {
    Some(Stamp([byte; 48]))
}
