//! Stored records.

use tokenlatch_core::Record;

/// A stored record and its revision.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// The record.
    pub record: Record,
    /// Increases with every change. A change must give the revision that it was made from.
    pub revision: i64,
}

impl AsRef<Record> for StoredToken {
    fn as_ref(&self) -> &Record {
        &self.record
    }
}

/// A changed record, with the revision that it was made from.
pub type Change = StoredToken;
