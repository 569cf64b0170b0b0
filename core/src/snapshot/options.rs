//! What an edge is opened with.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::floor::Floor;
use crate::auth::catalogue::Function;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::hash::pepper::Pepper;

/// What an edge is given beforehand.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotOptions {
    /// The Ed25519 keys that are trusted, in hex: one, or several while the origin changes its own.
    pub public_keys: Vec<String>,
    /// The peppers in use, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peppers: Vec<Pepper>,
    /// The functions; the built-in ones when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Vec<Function>>,
    /// The last table held before a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
    /// For how many seconds from 1 a table may be decided by at most, where the origin allows more.
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
            floor: fields.optional("floor"),
            max_age: fields.optional("maxAge"),
        };
        fields.finish()?;
        Ok(options)
    }
}
