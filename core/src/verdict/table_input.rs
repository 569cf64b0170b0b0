//! What a table is loaded from and changed by.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::account::rights::Account;
use crate::auth::catalogue::Catalogue;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::hash::pepper::Pepper;
use crate::token::record::Record;

/// The content of a new table.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableInput {
    /// The tokens.
    pub records: Vec<Record>,
    /// Their users' accounts. A token without an account is refused.
    pub accounts: Vec<Account>,
    /// The peppers in use, newest first.
    pub peppers: Vec<Pepper>,
    /// The catalogue; the built-in one if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Catalogue>,
    /// The credentials that are accepted; the usual ones if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<String>>,
}

impl FromValue for TableInput {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = TableInput {
            records: fields.or("records", Vec::new()),
            accounts: fields.or("accounts", Vec::new()),
            peppers: fields.or("peppers", Vec::new()),
            catalogue: fields.optional("catalogue"),
            credentials: fields.optional("credentials"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// A change of a table. On an error nothing changes.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableUpdate {
    /// New and changed tokens, found by id. A revoked one stays revoked.
    pub records: Vec<Record>,
    /// New and changed accounts.
    pub accounts: Vec<Account>,
    /// Ids of tokens to remove. Removals come first.
    pub remove_ids: Vec<String>,
    /// Users whose accounts and tokens are to be removed.
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
