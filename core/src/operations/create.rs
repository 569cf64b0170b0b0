//! Making a token.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::account::caps::{Caps, Held};
use crate::account::rights::Account;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::operations::delegation::Wanted;
use crate::token::access::{Access, Realm};
use crate::token::address::parse_list;
use crate::token::expiry::{ExpiryInput, default_expiry};
use crate::token::hash::{Hasher, Pepper};
use crate::token::name::{check_name, check_user, is_prefix};
use crate::token::record::{Extra, RECORD_VERSION, Record};
use crate::token::secret::{Entropy, SecretString};
use crate::token::text;
use crate::token::time::check_now;
use crate::token::zone::Zone;

/// A token to be made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRequest {
    /// Unix seconds.
    pub now: i64,
    /// 64 bytes from a cryptographic source of randomness, in hex.
    pub entropy: SecretString,
    /// The user whom the token acts as.
    pub user: String,
    /// The name, unique among the user's.
    pub name: String,
    /// What it may touch. There is no default.
    pub access: Access,
    /// When it ends; one year ahead when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiryInput>,
    /// Whether functions that write are refused.
    pub read_only: bool,
    /// The addresses it may be used from; empty for any.
    pub addresses: Vec<String>,
    /// The port it belongs to.
    pub realm: Realm,
    /// The server's time zone.
    pub zone: Zone,
    /// A prefix that secret scanners can recognise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The pepper for the stored hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pepper: Option<Pepper>,
    /// The user's account; when given, it must allow the creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// What the administrator demands.
    pub policy: Policy,
    /// What the user has already; the policy caps it.
    pub held: Held,
    /// The names that the user's tokens have.
    pub taken: Vec<String>,
    /// The token that asks; the new one must lie within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<Record>,
}

impl CreateRequest {
    /// A token for any address on the account port, that may write, ends when tokens usually end, and is asked for by the user
    /// alone; UTC, no policy, no other tokens.
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

/// What the administrator demands of new tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The longest life in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<i64>,
    /// Whether every token must end.
    pub expiry_required: bool,
    /// How many tokens there may be, and how large.
    #[serde(skip_serializing_if = "Caps::is_default")]
    pub caps: Caps,
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

impl FromValue for Policy {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let policy = Policy {
            max_lifetime: fields.optional("maxLifetime"),
            expiry_required: fields.or("expiryRequired", false),
            caps: fields.or("caps", Caps::default()),
        };
        fields.finish()?;
        Ok(policy)
    }
}

/// A new token: the one moment its text is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// The text that the user keeps. Nothing can show it again.
    pub token: SecretString,
    /// What the store keeps.
    pub record: Record,
}

/// Makes a token.
///
/// # Errors
/// See the operation `create`.
pub fn create(request: &CreateRequest) -> Result<Created, Error> {
    check_now(request.now)?;
    check_user(&request.user, "user")?;
    check_name(&request.name, "name")?;
    let caps = request.policy.caps;
    caps.check()?;
    caps.allow_another(request.held)?;
    let addresses = match &request.creator {
        // Left out, they are the creator's.
        Some(creator) if request.addresses.is_empty() => &creator.addresses,
        _ => &request.addresses,
    };
    caps.allow_size(&request.access, addresses)?;
    if request.taken.contains(&request.name) {
        return Err(name_taken("name"));
    }
    request.access.check().map_err(|error| error.under("access"))?;
    let blocks = parse_list(addresses)?;
    if let Some(prefix) = &request.prefix {
        check_prefix(prefix)?;
    }
    let hasher = Hasher::of(request.pepper.as_ref()).map_err(|error| error.under("pepper"))?;
    if let Some(account) = &request.account {
        account.allows_creation(&request.user, &request.access)?;
    }
    if let Some(creator) = &request.creator {
        creator.as_creator()?.may_give(&Wanted {
            access: &request.access,
            read_only: request.read_only,
            addresses: &blocks,
            realm: request.realm,
        })?;
    }
    let expires = expiry(request)?;
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

/// # Errors
/// `prefix_invalid`, at the field `prefix`.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), Error> {
    if is_prefix(prefix.as_bytes()) {
        Ok(())
    } else {
        Err(Error::at(
            ErrorCode::PrefixInvalid,
            "prefix",
            "a prefix is 2 to 16 characters of a-z and 0-9, starting with a letter",
        ))
    }
}

/// The error of a name that another token of the user has.
pub(crate) fn name_taken(field: &str) -> Error {
    Error::at(
        ErrorCode::NameTaken,
        field,
        "the user has a token of that name; names are unique among a user's tokens",
    )
}

fn expiry(request: &CreateRequest) -> Result<Option<i64>, Error> {
    let zone = request.zone.resolve()?;
    let latest = request.policy.latest(request.now)?;
    match &request.expires {
        Some(given) => {
            let expires = given.resolve(request.now, &zone)?;
            request.policy.allows(expires, latest)
        }
        None => {
            let default = default_expiry(request.now, &zone)?;
            Ok(Some(latest.map_or(default, |latest| default.min(latest))))
        }
    }
}

impl Policy {
    /// The latest expiry of a token created then.
    ///
    /// # Errors
    /// `value_invalid`, at `policy.maxLifetime`.
    pub(crate) fn latest(self, created: i64) -> Result<Option<i64>, Error> {
        if self.max_lifetime.is_some_and(|longest| longest < 1) {
            return Err(Error::at(
                ErrorCode::ValueInvalid,
                "policy.maxLifetime",
                "the longest life is a number of seconds from 1",
            ));
        }
        Ok(self.max_lifetime.map(|longest| created.saturating_add(longest)))
    }

    /// The expiry, where it is allowed.
    ///
    /// # Errors
    /// `expiry_required`, `expiry_too_late`, at `expires`.
    pub(crate) fn allows(self, expires: Option<i64>, latest: Option<i64>) -> Result<Option<i64>, Error> {
        let (code, message) = match (expires, latest) {
            (None, latest) if self.expiry_required || latest.is_some() => {
                (ErrorCode::ExpiryRequired, "the administrator demands an expiry")
            }
            (Some(expires), Some(latest)) if expires > latest => (
                ErrorCode::ExpiryTooLate,
                "the expiry is later than the administrator's maximum lifetime allows",
            ),
            _ => return Ok(expires),
        };
        Err(Error::at(code, "expires", message))
    }
}
