//! The token that asks: it can't give more than it has, and it manages only what lies within it.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorCode};
use crate::base::sort::sorted_texts;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::{Access, Realm};
use crate::token::address::{Block, within};
use crate::token::record::Record;

/// What a token is, or is to be.
pub(crate) struct Wanted<'a> {
    pub(crate) access: &'a Access,
    pub(crate) read_only: bool,
    pub(crate) addresses: &'a [Block],
    pub(crate) realm: Realm,
}

/// A token that asks, ready to be compared with any number of others.
pub(crate) struct Creator<'a> {
    record: &'a Record,
    addresses: Vec<Block>,
    /// In order; none for full access.
    features: Option<Vec<&'a String>>,
}

impl Record {
    /// This token as the one that asks.
    ///
    /// # Errors
    /// Those of a spoilt record, at `creator`.
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
    /// The first field in which the other has more than this token.
    fn exceeded(&self, wanted: &Wanted<'_>) -> Option<&'static str> {
        let access = match (&self.features, wanted.access) {
            (None, _) => true,
            (Some(_), Access::Full) => false,
            (Some(own), Access::Limited { features }) => {
                features.iter().all(|feature| own.binary_search(&feature).is_ok())
            }
        };
        let own = self.record;
        // An empty list is any address.
        let inside = !wanted.addresses.is_empty() && within(&self.addresses, wanted.addresses);
        if !access {
            Some("access")
        } else if own.read_only && !wanted.read_only {
            Some("readOnly")
        } else if !own.addresses.is_empty() && !inside {
            Some("addresses")
        } else if own.realm == Realm::Account && wanted.realm == Realm::Admin {
            Some("realm")
        } else {
            None
        }
    }

    /// Whether this token may make or change another to be so.
    ///
    /// # Errors
    /// `access_exceeds_creator` at `access`, `readOnly`, `addresses` or `realm`.
    pub(crate) fn may_give(&self, wanted: &Wanted<'_>) -> Result<(), Error> {
        self.exceeded(wanted).map_or(Ok(()), |field| Err(exceeds(field)))
    }

    /// Whether this token may let another end then: not after itself.
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

/// A token that asks, and the tokens that there are.
#[derive(Clone, Debug, Serialize)]
pub struct ManageableRequest {
    /// The token that asks.
    pub creator: Record,
    /// The tokens.
    pub records: Vec<Record>,
}

impl FromValue for ManageableRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = ManageableRequest {
            creator: fields.required("creator"),
            records: fields.required("records"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// Those that the token may manage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manageable {
    /// Their ids, in the order of the records.
    pub ids: Vec<String>,
}

/// Finds the tokens that a token may manage: those of its user that have no more than it. To all others it answers as if
/// there were none.
///
/// # Errors
/// Those of a spoilt record.
pub fn manageable(request: &ManageableRequest) -> Result<Manageable, Error> {
    let creator = request.creator.as_creator()?;
    let mut ids = Vec::new();
    for (index, record) in request.records.iter().enumerate() {
        let checked = record
            .check()
            .map_err(|error| error.under_index(index).under("records"))?;
        let other = Wanted {
            access: &record.access,
            read_only: record.read_only,
            addresses: &checked.addresses,
            realm: record.realm,
        };
        if record.user == creator.record.user && creator.exceeded(&other).is_none() {
            ids.push(record.id.clone());
        }
    }
    Ok(Manageable { ids })
}
