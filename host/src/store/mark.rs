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
    pub(super) fn newer_than(self, since: Option<Mark>) -> Option<i64> {
        since
            .filter(|since| since.epoch == self.epoch && since.revision <= self.revision)
            .map(|since| since.revision)
    }
}

/// How far the next epoch is from this one. By chance, for the database may be a copy put back: then its next epoch must
/// not be one that the database had before, which readers know.
pub(super) fn epoch_step() -> Result<i64, StoreError> {
    let chance = getrandom::u32().map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(i64::from(chance).saturating_add(1))
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
    /// The records, with revoked ones.
    pub records: Vec<Record>,
}

/// A token for tests.
#[cfg(test)]
pub(crate) fn stamp(byte: u8) -> Option<Stamp> {
    Some(Stamp([byte; 48]))
}
