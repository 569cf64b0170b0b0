//! The options with which an edge opens.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::floor::Floor;
use crate::auth::catalogue::Catalogue;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::hash::pepper::Pepper;

/// The options of [`Snapshot::new`](crate::Snapshot::new).
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotOptions {
    /// The trusted Ed25519 keys, in hex: one, or several while the origin changes its key.
    pub public_keys: Vec<String>,
    /// The peppers in use, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peppers: Vec<Pepper>,
    /// The catalogue; the built-in one if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Catalogue>,
    /// The credentials that are accepted; the usual ones if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<String>>,
    /// The last table held before a restart. Nothing older is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
    /// The age in seconds, from 1, after which a table is stale. It can shorten the origin's limit, not extend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i64>,
}

impl FromValue for SnapshotOptions {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let options = SnapshotOptions {
            public_keys: fields.required("publicKeys"),
            peppers: fields.or("peppers", Vec::new()),
            catalogue: fields.optional("catalogue"),
            credentials: fields.optional("credentials"),
            floor: fields.optional("floor"),
            max_age: fields.optional("maxAge"),
        };
        fields.finish()?;
        Ok(options)
    }
}
