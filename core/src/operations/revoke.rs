//! Revokes one or more tokens, at once and for good. RULES.md, 1.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorCode};
use crate::base::sort::{find, sorted_texts};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::Access;
use crate::token::record::{Record, check_records};
use crate::token::time::check_now;

/// A request to revoke tokens. One of `ids` and `names` must be given.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeRequest {
    /// Unix seconds.
    pub now: i64,
    /// The tokens of one user.
    pub records: Vec<Record>,
    /// The ids of the tokens to revoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// The names of the tokens to revoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
}

impl FromValue for RevokeRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = RevokeRequest {
            now: fields.required("now"),
            records: fields.required("records"),
            ids: fields.optional("ids"),
            names: fields.optional("names"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// The answer of [`revoke`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revoked {
    /// The revoked tokens to store, in the order of the selection.
    pub records: Vec<Record>,
    /// Ids or names without a token.
    pub unknown: Vec<String>,
}

impl Record {
    /// The revoked record, without features and addresses, which are no longer needed.
    fn tombstone(&self, now: i64) -> Record {
        Record {
            v: self.v,
            id: self.id.clone(),
            user: self.user.clone(),
            name: self.name.clone(),
            hash: self.hash.clone(),
            hint: self.hint.clone(),
            created: self.created,
            expires: self.expires,
            access: match self.access {
                Access::Full => Access::Full,
                Access::Limited { .. } => Access::default(),
            },
            read_only: self.read_only,
            addresses: Vec::new(),
            realm: self.realm,
            revoked: self.revoked.or(Some(now)),
            extra: self.extra.clone(),
        }
    }
}

/// Revokes tokens. A token revoked before keeps its time, so the call can be repeated.
///
/// # Errors
/// `now_invalid`, `selection_invalid`, and those of an invalid record.
pub fn revoke(request: RevokeRequest) -> Result<Revoked, Error> {
    check_records(&request.records)?;
    check_now(request.now)?;
    let (selection, by_id) = match (&request.ids, &request.names) {
        (Some(ids), None) => (ids, true),
        (None, Some(names)) => (names, false),
        _ => {
            return Err(Error::new(
                ErrorCode::SelectionInvalid,
                "give `ids` or `names`, one of them",
            ));
        }
    };
    let mut revoked = Revoked {
        records: Vec::new(),
        unknown: Vec::new(),
    };
    let selected = |at: usize| selection.get(at).map(String::as_str);
    let selected_order = sorted_texts(selection.len(), &selected);
    let key = |at: usize| {
        let record = request.records.get(at)?;
        if by_id {
            Some(record.id.as_str())
        } else {
            Some(record.name.as_str()).filter(|_| record.revoked.is_none())
        }
    };
    let order = sorted_texts(request.records.len(), &key);
    for (index, wanted) in selection.iter().enumerate() {
        // A repeated selector counts once.
        if find(&selected_order, &selected, wanted).first() != Some(&index) {
            continue;
        }
        let chosen = find(&order, &key, wanted);
        if chosen.is_empty() {
            revoked.unknown.push(wanted.clone());
        }
        let records = chosen.iter().filter_map(|at| request.records.get(*at));
        revoked
            .records
            .extend(records.map(|record| record.tombstone(request.now)));
    }
    Ok(revoked)
}
