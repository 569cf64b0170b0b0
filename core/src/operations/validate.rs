//! Checks that need no record, for forms and scripts.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::base::error::Error;
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::address::parse_list;
use crate::token::expiry::{ExpiryInput, ValidExpiry};
use crate::token::name::check_name;
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
    /// A user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A token text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// An expiry; requires `now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiryInput>,
    /// An address list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// A prefix for new tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<i64>,
    /// The server's time zone.
    pub zone: Zone,
}

impl FromValue for ValidateRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = ValidateRequest {
            name: fields.optional("name"),
            user: fields.optional("user"),
            token: fields.optional("token"),
            expires: fields.optional("expires"),
            addresses: fields.optional("addresses"),
            prefix: fields.optional("prefix"),
            now: fields.optional("now"),
            zone: fields.or("zone", Zone::default()),
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
    /// Every problem, as the error that `create` would return, in the order of the fields.
    pub problems: Vec<Error>,
    /// The instant that `expires` means, if it was given and is valid.
    pub expires: Option<ValidExpiry>,
    /// The last four characters of the token's secret, if it was given and is valid.
    pub hint: Option<String>,
}

/// Checks the given values. A problem with one isn't an error of the request.
///
/// # Errors
/// `now_invalid`, `zone_invalid`, and `field_missing` for an expiry without `now`.
pub fn validate(request: &ValidateRequest) -> Result<Validated, Error> {
    if let Some(now) = request.now {
        check_now(now)?;
    }
    let zone = request.zone.resolve()?;
    let mut problems = Vec::new();
    let mut note = |error: Error| problems.push(error);
    let mut expires = None;
    let mut hint = None;
    if let Some(name) = &request.name {
        check_name(name, "name").unwrap_or_else(&mut note);
    }
    if let Some(user) = &request.user {
        check_user(user, "user").unwrap_or_else(&mut note);
    }
    if let Some(token) = &request.token {
        match text::parse(token.expose().as_bytes()) {
            Ok(secret) => hint = Some(secret.hint()),
            Err(fault) => note(fault.error("token")),
        }
    }
    if let Some(given) = &request.expires {
        let now = request.now.ok_or_else(|| Error::missing("now"))?;
        match given.resolve(now, &zone) {
            Ok(instant) => expires = Some(instant.map_or(ValidExpiry::Never, ValidExpiry::At)),
            Err(error) => note(error),
        }
    }
    if let Some(addresses) = &request.addresses
        && let Err(error) = parse_list(addresses)
    {
        note(error);
    }
    if let Some(prefix) = &request.prefix {
        check_prefix(prefix).unwrap_or_else(&mut note);
    }
    Ok(Validated {
        valid: problems.is_empty(),
        problems,
        expires,
        hint,
    })
}
