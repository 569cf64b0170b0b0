//! A token at rest. RULES.md, 1.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::access::{Access, Realm};
use super::address::{Block, parse_list};
use super::hash::stored::StoredHash;
use super::name::check_name;
use super::user::check_user;
use crate::base::error::{Error, ErrorCode};
use crate::base::sort::sorted;
use crate::json::decoder::{Fields, FromValue, deserialize_by_value, wrong_type};
use crate::json::value::Value;

/// The version of records that this crate writes.
pub(crate) const RECORD_VERSION: i64 = 1;

/// A token as stores keep it, without its secret. Unknown fields are kept and written after the known ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The version of the format: 1.
    pub v: i64,
    /// Unique among all tokens. It isn't secret.
    pub id: String,
    /// The user that the token acts as.
    pub user: String,
    /// The name, unique among the user's live tokens.
    pub name: String,
    /// `sha256:<hex>` or `hmac-sha256:<pepper id>:<hex>`.
    pub hash: String,
    /// The last four characters of the secret.
    pub hint: String,
    /// When it was created, in Unix seconds.
    pub created: i64,
    /// When it expires, in Unix seconds: valid while now is less. `None` for never.
    pub expires: Option<i64>,
    /// What it may do.
    pub access: Access,
    /// Whether functions that write are refused.
    pub read_only: bool,
    /// The addresses from which it may be used; empty for any.
    pub addresses: Vec<String>,
    /// Its realm.
    pub realm: Realm,
    /// When it was revoked, in Unix seconds; `None` for a live token.
    pub revoked: Option<i64>,
    /// Fields of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The most levels of an unknown field, so that every request that can hold a record can hold this one.
const EXTRA_DEPTH: usize = 8;

/// Fields unknown to this version, sorted by key. Numbers in them must be whole and safe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra(Vec<(String, Value)>);

impl Extra {
    /// The fields.
    #[must_use]
    pub fn entries(&self) -> &[(String, Value)] {
        &self.0
    }

    /// # Errors
    /// For the first field in their order, `type_invalid` for a number that isn't whole and safe, and `too_deep`.
    fn new(entries: Vec<(String, Value)>) -> Result<Self, Error> {
        let key = |at: usize| entries.get(at).map(|(key, _)| key);
        let order = sorted(entries.len(), &|a, b| key(a).cmp(&key(b)));
        let entries: Vec<_> = order.into_iter().filter_map(|at| entries.get(at).cloned()).collect();
        for (key, value) in &entries {
            if value.holds_unsafe_number() {
                return Err(wrong_type("whole numbers", &Value::OtherNumber).under(key));
            }
            if value.is_deeper_than(EXTRA_DEPTH) {
                let message = format!("a field of a record is nested deeper than {EXTRA_DEPTH} levels");
                return Err(Error::at(ErrorCode::TooDeep, key, message));
            }
        }
        Ok(Extra(entries))
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl AsRef<Record> for Record {
    fn as_ref(&self) -> &Record {
        self
    }
}

impl FromValue for Record {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let v = fields.required("v");
        fields.check()?;
        // A newer record may have another format, so nothing else is read.
        check_version(v)?;
        let mut record = Record {
            v,
            id: fields.required("id"),
            user: fields.required("user"),
            name: fields.required("name"),
            hash: fields.required("hash"),
            hint: fields.or("hint", String::new()),
            created: fields.required("created"),
            expires: fields.nullable("expires"),
            access: fields.required("access"),
            read_only: fields.required("readOnly"),
            addresses: fields.required("addresses"),
            realm: fields.or("realm", Realm::Account),
            revoked: fields.optional_or_null("revoked"),
            extra: Extra::default(),
        };
        let rest = fields.rest();
        fields.finish()?;
        record.extra = Extra::new(rest)?;
        Ok(record)
    }
}
deserialize_by_value!(Record);

/// The parsed parts of a checked record.
pub(crate) struct Checked {
    pub(crate) hash: StoredHash,
    pub(crate) addresses: Vec<Block>,
}

impl Record {
    /// Checks everything that could be damaged in a store.
    ///
    /// # Errors
    /// `record_version_unsupported`, `name_*`, `user_*`, `hash_*`, `feature_invalid`, `address_invalid`, `addresses_too_many`, `value_invalid`.
    pub(crate) fn check(&self) -> Result<Checked, Error> {
        check_version(self.v)?;
        if !is_id(self.id.as_bytes()) {
            return Err(Error::at(
                ErrorCode::ValueInvalid,
                "id",
                "an id is 1 to 64 printable ASCII characters",
            ));
        }
        check_user(&self.user, "user")?;
        check_name(&self.name, "name")?;
        let hash = StoredHash::parse(&self.hash)?;
        self.access.check().map_err(|error| error.under("access"))?;
        let addresses = parse_list(&self.addresses)?;
        Ok(Checked { hash, addresses })
    }
}

/// Whether the bytes are an id: 1 to 64 printable ASCII characters.
pub(crate) fn is_id(id: &[u8]) -> bool {
    (1..=64).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// # Errors
/// `record_version_unsupported`, at `v`.
fn check_version(v: i64) -> Result<(), Error> {
    if v == RECORD_VERSION {
        Ok(())
    } else if v < RECORD_VERSION {
        Err(Error::at(
            ErrorCode::ValueInvalid,
            "v",
            "versions of records are counted from 1",
        ))
    } else {
        Err(Error::at(
            ErrorCode::RecordVersionUnsupported,
            "v",
            format!("this module reads records of version {RECORD_VERSION}; update it to read newer ones"),
        ))
    }
}

/// # Errors
/// Those of the first invalid record, at `records[…]`.
pub(crate) fn check_records(records: &[Record]) -> Result<(), Error> {
    for (index, record) in records.iter().enumerate() {
        record
            .check()
            .map_err(|error| error.under_index(index).under("records"))?;
    }
    Ok(())
}
