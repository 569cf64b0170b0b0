//! Renames a token; nothing else changes. RULES.md, 1.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::name::{check_name, name_taken};
use crate::token::record::Record;

/// A request to rename a token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenameRequest {
    /// The token.
    pub record: Record,
    /// The new name.
    pub new_name: String,
    /// The names of the user's live tokens.
    pub taken: Vec<String>,
}

impl FromValue for RenameRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = RenameRequest {
            record: fields.required("record"),
            new_name: fields.required("newName"),
            taken: fields.or("taken", Vec::new()),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// A changed token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Renamed {
    /// The record to store.
    pub record: Record,
}

/// Renames a token.
///
/// # Errors
/// `name_*`, `name_taken`, `record_revoked`, and those of an invalid record.
pub fn rename(request: RenameRequest) -> Result<Renamed, Error> {
    let mut record = request.record;
    record.check().map_err(|error| error.under("record"))?;
    rename_record(&mut record, request.new_name, &request.taken)?;
    Ok(Renamed { record })
}

/// Gives a record a new name, which may be its current one.
///
/// # Errors
/// `name_*`, `record_revoked`, `name_taken`.
pub(crate) fn rename_record(record: &mut Record, name: String, taken: &[String]) -> Result<(), Error> {
    check_name(&name, "newName")?;
    if record.revoked.is_some() {
        return Err(Error::at(
            ErrorCode::RecordRevoked,
            "record",
            "the token has been revoked; nothing of it can be changed",
        ));
    }
    if record.name != name && taken.contains(&name) {
        return Err(name_taken("newName"));
    }
    record.name = name;
    Ok(())
}
