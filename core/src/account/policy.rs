//! The administrator's policy for new tokens.

use chrono::TimeZone;
use serde::Serialize;

use super::caps::Caps;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::expiry::{ExpiryInput, default_expiry};

/// What the administrator requires of new tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The longest lifetime, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<i64>,
    /// Whether every token must expire.
    pub expiry_required: bool,
    /// Caps on the number and size of tokens.
    #[serde(skip_serializing_if = "Caps::is_default")]
    pub caps: Caps,
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

impl Policy {
    /// Checks that every limit is in its range.
    ///
    /// # Errors
    /// `value_invalid`, at `policy.caps.…` and `policy.maxLifetime`.
    pub(crate) fn check(self) -> Result<(), Error> {
        self.caps.check()?;
        self.latest(0).map(drop)
    }

    /// Returns the expiry of a new token: the given one if the policy allows it, or the default, shortened to the maximum
    /// lifetime. `None` is never.
    ///
    /// # Errors
    /// `value_invalid`, at `policy.maxLifetime`; `expiry_*`, at `expires`.
    pub(crate) fn expiry<Z: TimeZone>(
        self,
        given: Option<&ExpiryInput>,
        now: i64,
        zone: &Z,
    ) -> Result<Option<i64>, Error> {
        let latest = self.latest(now)?;
        match given {
            Some(given) => self.allows(given.resolve(now, zone)?, latest),
            None => {
                let default = default_expiry(now, zone)?;
                Ok(Some(latest.map_or(default, |latest| default.min(latest))))
            }
        }
    }

    /// The latest expiry of a token created at `created`, in Unix seconds.
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

    /// Returns the expiry if the policy allows it.
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
