//! The token that asks for another: it can't give more than it has.

use crate::access::{Access, Realm};
use crate::address::{Block, within};
use crate::error::{Error, ErrorCode};
use crate::record::Record;

/// What a token is to be.
pub(crate) struct Wanted<'a> {
    pub(crate) access: &'a Access,
    pub(crate) read_only: bool,
    pub(crate) addresses: &'a [Block],
    pub(crate) realm: Realm,
}

impl Record {
    /// Whether this token may make or change another to be so.
    ///
    /// # Errors
    /// `access_exceeds_creator` at `access`, `readOnly`, `addresses` or `realm`; those of a spoilt record.
    pub(crate) fn may_give(&self, wanted: &Wanted<'_>) -> Result<(), Error> {
        let own = self.check().map_err(|error| error.under("creator"))?;
        let access = match (&self.access, wanted.access) {
            (Access::Full, _) => true,
            (Access::Limited { .. }, Access::Full) => false,
            (Access::Limited { features: own }, Access::Limited { features }) => {
                features.iter().all(|feature| own.contains(feature))
            }
        };
        // An empty list is any address.
        let inside = !wanted.addresses.is_empty() && within(&own.addresses, wanted.addresses);
        let field = if !access {
            "access"
        } else if self.read_only && !wanted.read_only {
            "readOnly"
        } else if !own.addresses.is_empty() && !inside {
            "addresses"
        } else if self.realm == Realm::Account && wanted.realm == Realm::Admin {
            "realm"
        } else {
            return Ok(());
        };
        Err(Error::at(
            ErrorCode::AccessExceedsCreator,
            field,
            "a token can't give more than it has itself",
        ))
    }
}
