//! Creates a token.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::delegation::Scope;
use crate::account::caps::Held;
use crate::account::policy::Policy;
use crate::account::rights::Account;
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::{Access, Realm};
use crate::token::address::parse_list;
use crate::token::expiry::ExpiryInput;
use crate::token::hash::hasher::Hasher;
use crate::token::hash::pepper::Pepper;
use crate::token::name::{check_name, name_taken};
use crate::token::record::{Extra, RECORD_VERSION, Record};
use crate::token::secret::{Entropy, SecretString};
use crate::token::text;
use crate::token::text::check_prefix;
use crate::token::time::check_now;
use crate::token::user::check_user;
use crate::token::zone::Zone;

/// A request to create a token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRequest {
    /// Unix seconds.
    pub now: i64,
    /// 64 bytes from a cryptographic source of randomness, in hex.
    pub entropy: SecretString,
    /// The user that the token acts as.
    pub user: String,
    /// The name, unique among the user's live tokens.
    pub name: String,
    /// What the token may do. There is no default.
    pub access: Access,
    /// When it expires; after one year if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiryInput>,
    /// Whether functions that write are refused.
    pub read_only: bool,
    /// The addresses from which it may be used; empty for any.
    pub addresses: Vec<String>,
    /// Its realm.
    pub realm: Realm,
    /// The server's time zone.
    pub zone: Zone,
    /// A prefix that secret scanners recognise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The pepper for the stored hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pepper: Option<Pepper>,
    /// The user's account. If given, it must allow the creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The administrator's policy.
    pub policy: Policy,
    /// The user's current number of tokens, which the policy caps.
    pub held: Held,
    /// The names of the user's live tokens.
    pub taken: Vec<String>,
    /// The token that creates this one. The new token can't have more than it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<Record>,
}

impl CreateRequest {
    /// A request for a token that may be used from any address at the account's port, may write, and has the default
    /// expiry; in UTC, without policy, other tokens or creating token.
    #[must_use]
    pub fn new(now: i64, entropy: SecretString, user: String, name: String, access: Access) -> Self {
        CreateRequest {
            now,
            entropy,
            user,
            name,
            access,
            expires: None,
            read_only: false,
            addresses: Vec::new(),
            realm: Realm::Account,
            zone: Zone::default(),
            prefix: None,
            pepper: None,
            account: None,
            policy: Policy::default(),
            held: Held::default(),
            taken: Vec::new(),
            creator: None,
        }
    }
}

impl FromValue for CreateRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = CreateRequest {
            now: fields.required("now"),
            entropy: fields.required("entropy"),
            user: fields.required("user"),
            name: fields.required("name"),
            access: fields.required("access"),
            expires: fields.optional("expires"),
            read_only: fields.or("readOnly", false),
            addresses: fields.or("addresses", Vec::new()),
            realm: fields.or("realm", Realm::Account),
            zone: fields.or("zone", Zone::default()),
            prefix: fields.optional("prefix"),
            pepper: fields.optional("pepper"),
            account: fields.optional("account"),
            policy: fields.or("policy", Policy::default()),
            held: fields.or("held", Held::default()),
            taken: fields.or("taken", Vec::new()),
            creator: fields.optional("creator"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// A new token. Its text is known only now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// The token's text. It can't be shown again.
    pub token: SecretString,
    /// The record to store.
    pub record: Record,
}

/// Creates a token.
///
/// # Errors
/// Those listed for the operation `create`, in that order.
pub fn create(request: &CreateRequest) -> Result<Created, Error> {
    check_now(request.now)?;
    check_user(&request.user, "user")?;
    check_name(&request.name, "name")?;
    let caps = request.policy.caps;
    caps.check()?;
    caps.allow_another(request.held)?;
    let addresses = match &request.creator {
        // Without addresses of its own it inherits the creator's.
        Some(creator) if request.addresses.is_empty() => &creator.addresses,
        _ => &request.addresses,
    };
    caps.allow_size(&request.access, addresses)?;
    if request.taken.contains(&request.name) {
        return Err(name_taken("name"));
    }
    request.access.check().map_err(|error| error.under("access"))?;
    let blocks = parse_list(&request.addresses)?;
    if let Some(prefix) = &request.prefix {
        check_prefix(prefix)?;
    }
    let hasher = Hasher::of(request.pepper.as_ref()).map_err(|error| error.under("pepper"))?;
    if let Some(account) = &request.account {
        account.allows_creation(&request.user, &request.access)?;
    }
    if let Some(creator) = &request.creator {
        let creator = creator.as_creator()?;
        creator.may_give(&Scope {
            access: &request.access,
            read_only: request.read_only,
            addresses: if blocks.is_empty() {
                creator.addresses()
            } else {
                &blocks
            },
            realm: request.realm,
        })?;
    }
    let zone = request.zone.resolve()?;
    let expires = request.policy.expiry(request.expires.as_ref(), request.now, &zone)?;
    let entropy = Entropy::from_hex(request.entropy.expose())?;
    let secret = entropy.secret()?;
    Ok(Created {
        token: SecretString::new(text::format(request.prefix.as_deref(), secret.borrow())),
        record: Record {
            v: RECORD_VERSION,
            id: entropy.id(),
            user: request.user.clone(),
            name: request.name.clone(),
            hash: hasher.stored(secret.borrow()),
            hint: secret.borrow().hint(),
            created: request.now,
            expires,
            access: request.access.clone(),
            read_only: request.read_only,
            addresses: addresses.clone(),
            realm: request.realm,
            revoked: None,
            extra: Extra::default(),
        },
    })
}
