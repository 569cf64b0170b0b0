//! Compares a token with the token that creates or changes it, which can't grant more than it has. RULES.md, 2.

use alloc::string::String;
use alloc::vec::Vec;

use crate::base::error::{Error, ErrorCode};
use crate::base::sort::sorted_texts;
use crate::token::access::{Access, Realm};
use crate::token::address::{Block, within};
use crate::token::record::Record;

/// What a token may do, or is to be allowed to do.
pub(crate) struct Scope<'a> {
    pub(crate) access: &'a Access,
    pub(crate) read_only: bool,
    pub(crate) addresses: &'a [Block],
    pub(crate) realm: Realm,
}

/// A creating token, prepared to be compared with any number of others.
pub(crate) struct Creator<'a> {
    record: &'a Record,
    addresses: Vec<Block>,
    /// Sorted; `None` for full access.
    features: Option<Vec<&'a String>>,
}

impl Record {
    /// Prepares this token to be compared with those that it creates or changes.
    ///
    /// # Errors
    /// Those of an invalid record, at `creator`.
    pub(crate) fn as_creator(&self) -> Result<Creator<'_>, Error> {
        let addresses = self.check().map_err(|error| error.under("creator"))?.addresses;
        let features = match &self.access {
            Access::Full => None,
            Access::Limited { features } => {
                let order = sorted_texts(features.len(), &|at| features.get(at).map(String::as_str));
                Some(order.into_iter().filter_map(|at| features.get(at)).collect())
            }
        };
        Ok(Creator {
            record: self,
            addresses,
            features,
        })
    }
}

impl Creator<'_> {
    /// The addresses from which it may be used; empty for any.
    pub(crate) fn addresses(&self) -> &[Block] {
        &self.addresses
    }

    /// The first field in which the scope exceeds this token.
    fn exceeded(&self, scope: &Scope<'_>) -> Option<&'static str> {
        let access = match (&self.features, scope.access) {
            (None, _) => true,
            (Some(_), Access::Full) => false,
            (Some(own), Access::Limited { features }) => {
                features.iter().all(|feature| own.binary_search(&feature).is_ok())
            }
        };
        let own = self.record;
        // An empty list means any address.
        let inside = !scope.addresses.is_empty() && within(&self.addresses, scope.addresses);
        if !access {
            Some("access")
        } else if own.read_only && !scope.read_only {
            Some("readOnly")
        } else if !own.addresses.is_empty() && !inside {
            Some("addresses")
        } else if own.realm == Realm::Account && scope.realm == Realm::Admin {
            Some("realm")
        } else {
            None
        }
    }

    /// Whether the scope has no more than this token.
    pub(crate) fn covers(&self, scope: &Scope<'_>) -> bool {
        self.exceeded(scope).is_none()
    }

    /// Checks that this token may give another the scope.
    ///
    /// # Errors
    /// `access_exceeds_creator` at `access`, `readOnly`, `addresses` or `realm`.
    pub(crate) fn may_give(&self, scope: &Scope<'_>) -> Result<(), Error> {
        self.exceeded(scope).map_or(Ok(()), |field| Err(exceeds(field)))
    }

    /// Checks that this token may give another the expiry, in Unix seconds: not after its own.
    ///
    /// # Errors
    /// `access_exceeds_creator` at `expires`.
    pub(crate) fn may_end(&self, expires: Option<i64>) -> Result<(), Error> {
        match (self.record.expires, expires) {
            (Some(_), None) => Err(exceeds("expires")),
            (Some(own), Some(other)) if other > own => Err(exceeds("expires")),
            _ => Ok(()),
        }
    }
}

fn exceeds(field: &'static str) -> Error {
    Error::at(
        ErrorCode::AccessExceedsCreator,
        field,
        "a token can't give more than it has itself",
    )
}
