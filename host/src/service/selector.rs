//! Which tokens are meant: by name or id, of one port.

use tokenlatch_core::{Realm, Record};

/// The key that tokens are looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Name,
    Id,
}

impl By {
    pub fn key(self, record: &Record) -> &str {
        match self {
            By::Name => &record.name,
            By::Id => &record.id,
        }
    }
}

/// Whether the record belongs to the selected port. A port never sees the tokens of the other.
pub(super) fn is_of(record: &Record, realm: Option<Realm>) -> bool {
    realm.is_none_or(|realm| record.realm == realm)
}
