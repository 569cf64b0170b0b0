//! What a table is loaded from and changed by.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::account::rights::Account;
use crate::auth::catalogue::Function;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::hash::pepper::Pepper;
use crate::token::record::Record;

/// What a table starts with.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableInput {
    /// The tokens.
    pub records: Vec<Record>,
    /// Their users' accounts. A token whose account isn't here is refused.
    pub accounts: Vec<Account>,
    /// The peppers in use, newest first.
    pub peppers: Vec<Pepper>,
    /// The functions; the built-in ones when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Vec<Function>>,
}

impl FromValue for TableInput {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = TableInput {
            records: fields.or("records", Vec::new()),
            accounts: fields.or("accounts", Vec::new()),
            peppers: fields.or("peppers", Vec::new()),
            catalogue: fields.optional("catalogue"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// What changes in a table: all of it, or on an error nothing.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableUpdate {
    /// New tokens, and known ones (by id) as they are now. A revoked one never comes back.
    pub records: Vec<Record>,
    /// New accounts, and known ones as they are now.
    pub accounts: Vec<Account>,
    /// Ids of tokens to forget. Carried out first.
    pub remove_ids: Vec<String>,
    /// Users whose accounts are gone, and their tokens with them.
    pub remove_users: Vec<String>,
}

impl FromValue for TableUpdate {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = TableUpdate {
            records: fields.or("records", Vec::new()),
            accounts: fields.or("accounts", Vec::new()),
            remove_ids: fields.or("removeIds", Vec::new()),
            remove_users: fields.or("removeUsers", Vec::new()),
        };
        fields.finish()?;
        Ok(request)
    }
}
