//! Caps on an account's tokens: how many, how fast, and how large. RULES.md, 1.

use alloc::format;
use alloc::string::String;

use serde::Serialize;

use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue, deserialize_by_value};
use crate::json::value::Value;
use crate::token::access::Access;
use crate::token::address::MAX_ADDRESSES;
use crate::token::feature::MAX_FEATURES;
use crate::token::record::Record;

/// Bytes that a record counts before its features and addresses are added.
const RECORD_BYTES: usize = 512;

/// The caps on an account's new tokens. `None` selects the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Caps {
    /// Tokens that are not revoked; 1,000 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
    /// Tokens created in an hour; 1,000 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_hour: Option<i64>,
    /// Features of a token; 250 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<i64>,
    /// Addresses of a token; 100 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<i64>,
    /// Bytes of a record; 8,192 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_bytes: Option<i64>,
}

/// The tokens that an account has now, as the host counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Tokens that are not revoked.
    pub tokens: i64,
    /// Tokens created within the last hour, revoked ones included.
    pub last_hour: i64,
}

impl FromValue for Caps {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let caps = Caps {
            tokens: fields.optional("tokens"),
            tokens_per_hour: fields.optional("tokensPerHour"),
            features: fields.optional("features"),
            addresses: fields.optional("addresses"),
            record_bytes: fields.optional("recordBytes"),
        };
        fields.finish()?;
        Ok(caps)
    }
}
deserialize_by_value!(Caps);

impl FromValue for Held {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let held = Held {
            tokens: fields.or("tokens", 0),
            last_hour: fields.or("lastHour", 0),
        };
        fields.finish()?;
        for (field, count) in [("tokens", held.tokens), ("lastHour", held.last_hour)] {
            if count < 0 {
                return Err(Error::at(ErrorCode::ValueInvalid, field, "a count is a number from 0"));
            }
        }
        Ok(held)
    }
}

impl Caps {
    /// Whether every cap has its default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Caps::default()
    }

    /// Tokens that the account may have.
    #[must_use]
    pub fn tokens(self) -> i64 {
        self.tokens.unwrap_or(1_000)
    }

    /// Tokens that may be created in an hour.
    #[must_use]
    pub fn tokens_per_hour(self) -> i64 {
        self.tokens_per_hour.unwrap_or(1_000)
    }

    /// Features that a token may list.
    #[must_use]
    pub fn features(self) -> i64 {
        self.features.unwrap_or(250)
    }

    /// Addresses that a token may list.
    #[must_use]
    pub fn addresses(self) -> i64 {
        self.addresses.unwrap_or(100)
    }

    /// Bytes that a record may have.
    #[must_use]
    pub fn record_bytes(self) -> i64 {
        self.record_bytes.unwrap_or(8_192)
    }

    /// # Errors
    /// `value_invalid`, at `policy.caps.…`.
    pub(crate) fn check(self) -> Result<(), Error> {
        const COUNT: i64 = 1_000_000;
        let features = i64::try_from(MAX_FEATURES).unwrap_or(i64::MAX);
        let addresses = i64::try_from(MAX_ADDRESSES).unwrap_or(i64::MAX);
        for (field, value, most) in [
            ("tokens", self.tokens(), COUNT),
            ("tokensPerHour", self.tokens_per_hour(), COUNT),
            ("features", self.features(), features),
            ("addresses", self.addresses(), addresses),
            ("recordBytes", self.record_bytes(), COUNT),
        ] {
            if !(1..=most).contains(&value) {
                let message = format!("a cap is a number from 1 to {most}");
                return Err(Error::at(ErrorCode::ValueInvalid, field, message).under("policy.caps"));
            }
        }
        Ok(())
    }

    /// Checks that the account may have one more token. Hosts call this before they read or compare anything for a
    /// new token.
    ///
    /// # Errors
    /// `tokens_too_many`, `creations_too_many`.
    pub fn allow_another(self, held: Held) -> Result<(), Error> {
        if held.tokens >= self.tokens() {
            return Err(Error::new(
                ErrorCode::TokensTooMany,
                "the account has as many tokens as the administrator allows; revoke one first",
            ));
        }
        if held.last_hour >= self.tokens_per_hour() {
            return Err(Error::new(
                ErrorCode::CreationsTooMany,
                "the account has created as many tokens within an hour as the administrator allows; try again later",
            ));
        }
        Ok(())
    }

    /// Checks the size of a token. Looks only at lengths.
    ///
    /// # Errors
    /// `features_too_many` at `access.features`, `addresses_too_many` at `addresses`, `record_too_large`.
    pub fn allow_size(self, access: &Access, addresses: &[String]) -> Result<(), Error> {
        self.allow_counts(access, addresses)?;
        self.allow_bytes(record_size(access, addresses))
    }

    /// Checks a change of a token. What is already above a cap may stay, so that a token can always be narrowed.
    ///
    /// # Errors
    /// Those of [`Self::allow_size`].
    pub(crate) fn allow_change(
        self,
        record: &Record,
        access: Option<&Access>,
        addresses: Option<&[String]>,
    ) -> Result<(), Error> {
        self.allow_counts(access.unwrap_or(&Access::Full), addresses.unwrap_or_default())?;
        let before = record_size(&record.access, &record.addresses);
        let after = record_size(access.unwrap_or(&record.access), addresses.unwrap_or(&record.addresses));
        if after > before {
            self.allow_bytes(after)
        } else {
            Ok(())
        }
    }

    fn allow_counts(self, access: &Access, addresses: &[String]) -> Result<(), Error> {
        if is_over(features_of(access).len(), self.features()) {
            let message = format!("the administrator allows {} features in a token", self.features());
            return Err(Error::at(ErrorCode::FeaturesTooMany, "access.features", message));
        }
        if is_over(addresses.len(), self.addresses()) {
            let message = format!("the administrator allows {} addresses in a token", self.addresses());
            return Err(Error::at(ErrorCode::AddressesTooMany, "addresses", message));
        }
        Ok(())
    }

    fn allow_bytes(self, bytes: usize) -> Result<(), Error> {
        if is_over(bytes, self.record_bytes()) {
            let message = format!(
                "the administrator allows {} bytes in a token's record",
                self.record_bytes()
            );
            return Err(Error::new(ErrorCode::RecordTooLarge, message));
        }
        Ok(())
    }
}

fn features_of(access: &Access) -> &[String] {
    match access {
        Access::Full => &[],
        Access::Limited { features } => features,
    }
}

/// The bytes that a record counts: 512, and for each feature and address its length and three (two quotes and a
/// comma).
fn record_size(access: &Access, addresses: &[String]) -> usize {
    features_of(access)
        .iter()
        .chain(addresses)
        .fold(RECORD_BYTES, |bytes, text| {
            bytes.saturating_add(text.len()).saturating_add(3)
        })
}

fn is_over(count: usize, most: i64) -> bool {
    i64::try_from(count).unwrap_or(i64::MAX) > most
}
