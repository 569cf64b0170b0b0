//! Changes a token. What isn't given is kept. RULES.md, 5.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::delegation::Scope;
use super::rename::{Renamed, rename_record};
use crate::account::policy::Policy;
use crate::account::rights::Account;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::{Access, Realm};
use crate::token::address::parse_list;
use crate::token::expiry::ExpiryInput;
use crate::token::record::Record;
use crate::token::time::check_now;
use crate::token::zone::Zone;

/// A request to change a token.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateRequest {
    /// Unix seconds.
    pub now: i64,
    /// The token.
    pub record: Record,
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// The names of the user's live tokens.
    pub taken: Vec<String>,
    /// What it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// When it expires. Only an administrator's token can be given another expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiryInput>,
    /// The addresses from which it may be used; empty for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// The server's time zone.
    pub zone: Zone,
    /// The administrator's policy.
    pub policy: Policy,
    /// The user's account. If given, it must allow the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The token that makes the change. The changed token can't have more than it, before or after the change, nor
    /// get a later expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<Record>,
}

impl FromValue for UpdateRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = UpdateRequest {
            now: fields.required("now"),
            record: fields.required("record"),
            new_name: fields.optional("newName"),
            taken: fields.or("taken", Vec::new()),
            access: fields.optional("access"),
            expires: fields.optional("expires"),
            addresses: fields.optional("addresses"),
            zone: fields.or("zone", Zone::default()),
            policy: fields.or("policy", Policy::default()),
            account: fields.optional("account"),
            creator: fields.optional("creator"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// Changes a token.
///
/// # Errors
/// Those listed for the operation `update`, in that order.
pub fn update(request: UpdateRequest) -> Result<Renamed, Error> {
    let mut record = request.record;
    let before = record.check().map_err(|error| error.under("record"))?;
    check_now(request.now)?;
    let name = request.new_name.unwrap_or_else(|| record.name.clone());
    rename_record(&mut record, name, &request.taken)?;
    let granted = record.access.clone();
    let caps = request.policy.caps;
    caps.check()?;
    caps.allow_change(&record, request.access.as_ref(), request.addresses.as_deref())?;
    // An account that has since lost a feature can still have the other parts changed.
    let mut demanded = Access::Full;
    if let Some(access) = request.access {
        access.check().map_err(|error| error.under("access"))?;
        record.access.clone_from(&access);
        demanded = access;
    }
    if let Some(addresses) = request.addresses {
        record.addresses = addresses;
    }
    let blocks = parse_list(&record.addresses)?;
    if let Some(account) = &request.account {
        account.allows_creation(&record.user, &demanded)?;
    }
    let creator = request.creator.as_ref().map(Record::as_creator).transpose()?;
    if let Some(creator) = &creator {
        // Before and after the change.
        for (access, addresses) in [(&granted, &before.addresses), (&record.access, &blocks)] {
            creator.may_give(&Scope {
                access,
                read_only: record.read_only,
                addresses,
                realm: record.realm,
            })?;
        }
    }
    let zone = request.zone.resolve()?;
    let latest = request.policy.latest(record.created)?;
    if let Some(given) = &request.expires {
        if record.realm != Realm::Admin {
            return Err(Error::at(
                ErrorCode::ExpiryFixed,
                "expires",
                "the expiry of an account's token can't be changed",
            ));
        }
        let expires = given.resolve(request.now, &zone)?;
        record.expires = request.policy.allows(expires, latest)?;
        if let Some(creator) = &creator {
            creator.may_end(record.expires)?;
        }
    }
    Ok(Renamed { record })
}
