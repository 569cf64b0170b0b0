//! Describes a token to its owner.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue};
use crate::json::value::Value;
use crate::token::access::{Access, Realm};
use crate::token::expiry::is_expired;
use crate::token::record::Record;
use crate::token::time::{DAY, check_now};

/// The default number of days before its expiry in which a token is shown as expiring. RULES.md, 1.
pub(crate) const DEFAULT_WARN_DAYS: i64 = 7;
const MAX_WARN_DAYS: i64 = 3_650;

/// A request to describe a token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeRequest {
    /// Unix seconds.
    pub now: i64,
    /// The token.
    pub record: Record,
    /// The number of days before its expiry in which a token is shown as expiring.
    pub warn_days: i64,
}

impl FromValue for DescribeRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = DescribeRequest {
            now: fields.required("now"),
            record: fields.required("record"),
            warn_days: fields.or("warnDays", DEFAULT_WARN_DAYS),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// The answer of [`describe`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// The token.
    pub token: Description,
}

/// What the owner sees of a token: everything but its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Unique among all tokens.
    pub id: String,
    /// The user.
    pub user: String,
    /// The name.
    pub name: String,
    /// The last four characters of the secret.
    pub hint: String,
    /// When it was created, in Unix seconds.
    pub created: i64,
    /// When it expires, in Unix seconds; `None` for never.
    pub expires: Option<i64>,
    /// Its status.
    pub status: Status,
    /// Seconds until the expiry, at least 0; `None` for never.
    pub remaining: Option<i64>,
    /// What it may do.
    pub access: Access,
    /// Whether functions that write are refused.
    pub read_only: bool,
    /// The addresses from which it may be used; empty for any.
    pub addresses: Vec<String>,
    /// Its realm.
    pub realm: Realm,
    /// What the owner should know.
    pub notices: Vec<Notice>,
}

/// The status of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// It is valid and doesn't expire soon.
    Active,
    /// It is valid and expires soon.
    Expiring,
    /// It is refused, and listed until it is revoked.
    Expired,
    /// It is refused for good.
    Revoked,
}

/// A notice to the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// It has been revoked.
    Revoked,
    /// It has expired; revoke it or create another.
    Expired,
    /// It expires soon.
    ExpiresSoon,
    /// It never expires, so a forgotten one stays valid.
    NeverExpires,
}

/// Describes one token.
///
/// # Errors
/// `now_invalid`, `value_invalid`, and those of an invalid record.
pub fn describe(request: DescribeRequest) -> Result<Described, Error> {
    request.record.check().map_err(|error| error.under("record"))?;
    check_now(request.now)?;
    let soon = warn_seconds(request.warn_days)?;
    Ok(Described {
        token: Description::of(request.record, request.now, soon),
    })
}

/// # Errors
/// `value_invalid`, at the field `warnDays`.
pub(crate) fn warn_seconds(days: i64) -> Result<i64, Error> {
    if (0..=MAX_WARN_DAYS).contains(&days) {
        Ok(days.saturating_mul(DAY))
    } else {
        Err(Error::at(
            ErrorCode::ValueInvalid,
            "warnDays",
            "the days of warning are a number from 0 to 3,650",
        ))
    }
}

impl Description {
    pub(crate) fn of(record: Record, now: i64, soon: i64) -> Self {
        let remaining = record.expires.map(|expires| expires.saturating_sub(now).max(0));
        let (status, notice) = if record.revoked.is_some() {
            (Status::Revoked, Some(Notice::Revoked))
        } else if is_expired(record.expires, now) {
            (Status::Expired, Some(Notice::Expired))
        } else if remaining.is_some_and(|left| left <= soon) {
            (Status::Expiring, Some(Notice::ExpiresSoon))
        } else {
            let forever = record.expires.is_none();
            (Status::Active, forever.then_some(Notice::NeverExpires))
        };
        Description {
            id: record.id,
            user: record.user,
            name: record.name,
            hint: record.hint,
            created: record.created,
            expires: record.expires,
            status,
            remaining,
            access: record.access,
            read_only: record.read_only,
            addresses: record.addresses,
            realm: record.realm,
            notices: notice.into_iter().collect(),
        }
    }
}
