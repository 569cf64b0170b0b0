//! Checks values before they are used or stored: those of forms, options and files.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::account::policy::Policy;
use crate::account::rights::Account;
use crate::auth::catalogue::{Catalogue, CatalogueIndex};
use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::Access;
use crate::token::address::parse_list;
use crate::token::expiry::{ExpiryInput, ValidExpiry};
use crate::token::hash::hasher::Hasher;
use crate::token::hash::pepper::Pepper;
use crate::token::name::{check_name, name_taken};
use crate::token::record::{Record, check_records};
use crate::token::secret::SecretString;
use crate::token::text;
use crate::token::text::check_prefix;
use crate::token::time::check_now;
use crate::token::user::check_user;
use crate::token::zone::Zone;

/// A request to check values. Each is optional.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidateRequest {
    /// A token's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The names of the user's live tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<String>,
    /// A user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A token text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// The server's time zone.
    pub zone: Zone,
    /// A policy. `expires`, `addresses` and `access` are compared with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// An expiry; requires `now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiryInput>,
    /// An address list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// A prefix for new tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// What a new token may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// An account. With `access` it must be allowed a new token with that access, otherwise it need only be well-formed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Peppers, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peppers: Vec<Pepper>,
    /// A catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Catalogue>,
    /// Records.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<i64>,
}

impl FromValue for ValidateRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = ValidateRequest {
            name: fields.optional("name"),
            taken: fields.or("taken", Vec::new()),
            user: fields.optional("user"),
            token: fields.optional("token"),
            zone: fields.or("zone", Zone::default()),
            policy: fields.optional("policy"),
            expires: fields.optional("expires"),
            addresses: fields.optional("addresses"),
            prefix: fields.optional("prefix"),
            access: fields.optional("access"),
            account: fields.optional("account"),
            peppers: fields.or("peppers", Vec::new()),
            catalogue: fields.optional("catalogue"),
            records: fields.or("records", Vec::new()),
            now: fields.optional("now"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// The result of the checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Validated {
    /// Whether there are no problems.
    pub valid: bool,
    /// The first problem of each value, as the error of the operation that uses the value, in the order of the fields.
    pub problems: Vec<Error>,
    /// The instant that `expires` means, if it was given and is valid. If it was omitted, and `policy` and `now` were
    /// given, the default.
    pub expires: Option<ValidExpiry>,
    /// The last four characters of the token's secret, if it was given and is valid.
    pub hint: Option<String>,
}

impl Validated {
    /// Returns the first problem as an error.
    ///
    /// # Errors
    /// The first problem, if there is one.
    pub fn accepted(self) -> Result<Self, Error> {
        match self.problems.first() {
            None => Ok(self),
            Some(problem) => Err(problem.clone()),
        }
    }
}

/// The problems found so far.
#[derive(Default)]
struct Problems(Vec<Error>);

impl Problems {
    /// Keeps the problem of a value. Returns what the check returned, if there is no problem.
    fn note<T>(&mut self, checked: Result<T, Error>) -> Option<T> {
        checked.map_err(|error| self.0.push(error)).ok()
    }
}

/// Checks the given values. A problem with one isn't an error of the request.
///
/// # Errors
/// `now_invalid`, and `field_missing` for an expiry without `now`.
pub fn validate(request: ValidateRequest) -> Result<Validated, Error> {
    match request.now {
        Some(now) => check_now(now)?,
        None if request.expires.is_some() => return Err(Error::missing("now")),
        None => {}
    }
    let mut problems = Problems::default();
    if let Some(name) = &request.name {
        problems.note(check_name(name, "name").and_then(|()| {
            let is_taken = request.taken.contains(name);
            if is_taken { Err(name_taken("name")) } else { Ok(()) }
        }));
    }
    if let Some(user) = &request.user {
        problems.note(check_user(user, "user"));
    }
    let hint = request.token.as_ref().and_then(|token| {
        let parsed = text::parse(token.expose().as_bytes());
        problems.note(parsed.map_err(|fault| fault.error("token")))
    });
    let zone = problems.note(request.zone.resolve());
    // An invalid policy limits nothing: its own problem is enough.
    let policy = match request.policy {
        None => Some(Policy::default()),
        Some(policy) => problems.note(policy.check().map(|()| policy)),
    };
    let mut expires = None;
    if let (Some(now), Some(zone)) = (request.now, &zone)
        && (request.expires.is_some() || request.policy.is_some() && policy.is_some())
    {
        let policy = policy.unwrap_or_default();
        expires = problems.note(policy.expiry(request.expires.as_ref(), now, zone));
    }
    let mut addresses: &[String] = &[];
    if let Some(given) = &request.addresses
        && problems.note(check_addresses(given, policy)).is_some()
    {
        addresses = given;
    }
    if let Some(prefix) = &request.prefix {
        problems.note(check_prefix(prefix));
    }
    // Without valid access there is nothing to compare with the account's features.
    let access = request.access.as_ref().map(|access| {
        let checked = problems.note(check_access(access, addresses, policy));
        checked.map_or(&Access::Full, |()| access)
    });
    if let Some(account) = &request.account {
        problems.note(match access {
            None => account.rights().map(drop).map_err(|error| error.under("account")),
            Some(access) => account.allows_creation(request.user.as_ref().unwrap_or(&account.user), access),
        });
    }
    problems.note(Hasher::new(&request.peppers).map_err(|error| error.under("peppers")));
    if request.catalogue.is_some() {
        problems.note(CatalogueIndex::new(request.catalogue).map_err(|error| error.under("catalogue")));
    }
    problems.note(check_records(&request.records));
    let Problems(problems) = problems;
    Ok(Validated {
        valid: problems.is_empty(),
        problems,
        expires: expires.map(|instant| instant.map_or(ValidExpiry::Never, ValidExpiry::At)),
        hint: hint.map(|secret| secret.hint()),
    })
}

/// Checks addresses, then their number and size if there is a valid policy.
fn check_addresses(addresses: &[String], policy: Option<Policy>) -> Result<(), Error> {
    parse_list(addresses)?;
    policy.map_or(Ok(()), |policy| policy.caps.allow_size(&Access::Full, addresses))
}

/// Checks access, then its size together with that of the addresses if there is a valid policy.
fn check_access(access: &Access, addresses: &[String], policy: Option<Policy>) -> Result<(), Error> {
    access.check().map_err(|error| error.under("access"))?;
    policy.map_or(Ok(()), |policy| policy.caps.allow_size(access, addresses))
}
