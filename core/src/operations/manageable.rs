//! Finds the tokens that a token may manage. RULES.md, 2.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::delegation::Scope;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::record::Record;

/// A request to find the tokens that a token may manage.
#[derive(Clone, Debug, Serialize)]
pub struct ManageableRequest {
    /// The managing token.
    pub creator: Record,
    /// The tokens to choose from.
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

/// The tokens that the token may manage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manageable {
    /// Their ids, in the order of the records.
    pub ids: Vec<String>,
}

/// Finds the tokens that a token may manage: those of its user that have no more than it. For any other the host
/// replies as for a token that doesn't exist.
///
/// # Errors
/// Those of an invalid record.
pub fn manageable(request: &ManageableRequest) -> Result<Manageable, Error> {
    let creator = request.creator.as_creator()?;
    let mut ids = Vec::new();
    for (index, record) in request.records.iter().enumerate() {
        let checked = record
            .check()
            .map_err(|error| error.under_index(index).under("records"))?;
        let other = Scope {
            access: &record.access,
            read_only: record.read_only,
            addresses: &checked.addresses,
            realm: record.realm,
        };
        if record.user == request.creator.user && creator.covers(&other) {
            ids.push(record.id.clone());
        }
    }
    Ok(Manageable { ids })
}
