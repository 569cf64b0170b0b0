//! Records, as every statement on tokens reads them.

use tokenlatch_core::Record;

use super::columns::Columns;
use crate::store::error::StoreError;
use crate::store::record::StoredToken;

/// The columns that a record is checked against, as [`read_token`] reads them.
pub(super) const COLUMNS: &str = "t.seq, CAST(t.record AS TEXT) AS record, t.revision, t.id, t.\"user\", t.name, t.hash, \
    t.created, t.expires, t.revoked";

/// Reads a record and compares it with the columns that were written with it. Refuses a damaged one.
pub(super) fn read_token(row: &impl Columns) -> Result<StoredToken, StoreError> {
    let id = row.text("id")?;
    let damaged = || StoreError::Corrupt(format!("the token `{id}` contradicts itself"));
    let record: Record = serde_json::from_str(&row.text("record")?).map_err(|_| damaged())?;
    let same = record.id == id
        && record.user == row.text("user")?
        && record.name == row.text("name")?
        && record.hash == row.text("hash")?
        && record.created == row.number("created")?
        && record.expires == row.some_number("expires")?
        && record.revoked == row.some_number("revoked")?;
    if !same {
        return Err(damaged());
    }
    Ok(StoredToken {
        record,
        revision: row.number("revision")?,
    })
}
