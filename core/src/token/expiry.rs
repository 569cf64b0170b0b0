//! When a token expires. RULES.md, 1: a date is the last second of that day in the server's zone; an unreadable
//! expiry is an error, never "never".

use alloc::string::String;

use chrono::{DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike};
use serde::{Serialize, Serializer};

use super::time::MAX_TIME;
use super::zone::east;
use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{FromValue, deserialize_by_value, wrong_type};
use crate::json::value::Value;

/// An expiry as people and programs write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpiryInput {
    /// Unix seconds.
    Seconds(i64),
    /// `never`, digits, `YYYY-MM-DD` or an RFC 3339 timestamp.
    Text(String),
}

impl Serialize for ExpiryInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ExpiryInput::Seconds(seconds) => serializer.serialize_i64(*seconds),
            ExpiryInput::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl FromValue for ExpiryInput {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Int(seconds) => Ok(ExpiryInput::Seconds(seconds)),
            Value::String(text) => Ok(ExpiryInput::Text(text)),
            other => Err(wrong_type(
                "`never`, whole Unix seconds, a date or an RFC 3339 timestamp",
                &other,
            )),
        }
    }
}

impl ExpiryInput {
    /// Resolves the expiry to Unix seconds. `None` is never, which only the word `never` selects.
    ///
    /// # Errors
    /// `expiry_invalid`, `expiry_past`, `expiry_out_of_range`, at the field `expires`.
    pub(crate) fn resolve<Z: TimeZone>(&self, now: i64, zone: &Z) -> Result<Option<i64>, Error> {
        let instant = match self {
            ExpiryInput::Seconds(seconds) => *seconds,
            ExpiryInput::Text(text) if text == "never" => return Ok(None),
            ExpiryInput::Text(text) => parse(text, zone)?,
        };
        check(instant, now).map(Some)
    }
}

fn check(instant: i64, now: i64) -> Result<i64, Error> {
    if instant > MAX_TIME {
        Err(out_of_range())
    } else if instant <= now {
        Err(Error::at(
            ErrorCode::ExpiryPast,
            "expires",
            "the expiry must be in the future",
        ))
    } else {
        Ok(instant)
    }
}

/// Whether a token has expired: it is valid while now < expires. RULES.md, 1.
pub(crate) fn is_expired(expires: Option<i64>, now: i64) -> bool {
    expires.is_some_and(|expires| now >= expires)
}

fn out_of_range() -> Error {
    Error::at(
        ErrorCode::ExpiryOutOfRange,
        "expires",
        "the expiry is after the year 9999; was it given in milliseconds instead of seconds?",
    )
}

fn invalid() -> Error {
    Error::at(
        ErrorCode::ExpiryInvalid,
        "expires",
        "the expiry must be `never`, whole Unix seconds, a date such as 2027-12-31, or an RFC 3339 timestamp such as 2027-12-31T12:00:00Z",
    )
}

fn parse<Z: TimeZone>(text: &str, zone: &Z) -> Result<i64, Error> {
    let bytes = text.as_bytes();
    if let Some(seconds) = seconds(bytes) {
        return Ok(seconds);
    }
    let date = parse_date(bytes).ok_or_else(invalid)?;
    match bytes.split_at_checked(DATE_LENGTH) {
        Some((_, [])) => end_of_day(date, zone).ok_or_else(out_of_range),
        Some((_, rest)) => parse_timestamp(date, rest).ok_or_else(invalid),
        None => Err(invalid()),
    }
}

/// Parses Unix seconds from 1 to 18 digits.
pub(crate) fn seconds(text: &[u8]) -> Option<i64> {
    if !(1..=18).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0_i64, |sum, digit| {
        sum.checked_mul(10)?
            .checked_add(char::from(*digit).to_digit(10)?.into())
    })
}

const DATE_LENGTH: usize = 10;

/// Parses the leading `YYYY-MM-DD` of a text.
fn parse_date(text: &[u8]) -> Option<NaiveDate> {
    let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = *text.first_chunk::<DATE_LENGTH>()? else {
        return None;
    };
    let year = i32::try_from(number(&[y3, y2, y1, y0])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m0])?, number(&[d1, d0])?)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, digit| {
        sum.checked_mul(10)?.checked_add(char::from(*digit).to_digit(10)?)
    })
}

/// Parses the time and offset after a date (RFC 3339, 5.6). A fraction is dropped, a leap second refused.
fn parse_timestamp(date: NaiveDate, rest: &[u8]) -> Option<i64> {
    let (clock, rest) = rest.split_at_checked(9)?;
    let [b'T' | b't', h1, h0, b':', m1, m0, b':', s1, s0] = *clock else {
        return None;
    };
    let zone = match rest.split_first() {
        Some((b'.', fraction)) => {
            let end = fraction.iter().position(|byte| !byte.is_ascii_digit())?;
            let (digits, zone) = fraction.split_at(end);
            if digits.is_empty() {
                return None;
            }
            zone
        }
        _ => rest,
    };
    let east = match *zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h0, b':', m1, m0] => {
            let (hours, minutes) = (number(&[h1, h0])?, number(&[m1, m0])?);
            let seconds = i64::from(NaiveTime::from_hms_opt(hours, minutes, 0)?.num_seconds_from_midnight());
            if sign == b'+' { seconds } else { seconds.checked_neg()? }
        }
        _ => return None,
    };
    let local = date.and_hms_opt(number(&[h1, h0])?, number(&[m1, m0])?, number(&[s1, s0])?)?;
    local.and_utc().timestamp().checked_sub(east)
}

/// Returns 23:59:59 of a date in a zone, in Unix seconds. If the zone skips or repeats that time, the later instant
/// counts.
///
/// `None` if the zone's own arithmetic leaves the range of dates.
#[must_use]
pub fn end_of_day<Z: TimeZone>(date: NaiveDate, zone: &Z) -> Option<i64> {
    let local = date.and_time(NaiveTime::from_hms_opt(23, 59, 59)?);
    let at = |offset: &Z::Offset| local.and_utc().timestamp().checked_sub(east(offset));
    match zone.offset_from_local_datetime(&local) {
        MappedLocalTime::Single(offset) => at(&offset),
        MappedLocalTime::Ambiguous(a, b) => Some(at(&a)?.max(at(&b)?)),
        // In a gap: offsets are less than 24 hours, so one day before and one day after, taken as UTC, lie on its two
        // sides.
        MappedLocalTime::None => {
            let day = TimeDelta::days(1);
            let before = zone.offset_from_utc_datetime(&local.checked_sub_signed(day)?);
            let after = zone.offset_from_utc_datetime(&local.checked_add_signed(day)?);
            Some(at(&before)?.max(at(&after)?))
        }
    }
}

/// Returns the default expiry, in Unix seconds: the last second of the date one year after today's in the zone. 29
/// February becomes 28 February.
///
/// # Errors
/// `expiry_out_of_range` in the year 9999.
pub fn default_expiry<Z: TimeZone>(now: i64, zone: &Z) -> Result<i64, Error> {
    let in_a_year = || {
        let utc: NaiveDateTime = DateTime::from_timestamp(now, 0)?.naive_utc();
        let offset = east(&zone.offset_from_utc_datetime(&utc));
        let today = utc.checked_add_signed(TimeDelta::seconds(offset))?.date();
        let year = today.year().checked_add(1)?;
        let date = today.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))?;
        end_of_day(date, zone)
    };
    check(in_a_year().ok_or_else(out_of_range)?, now)
}

/// A valid expiry: an instant, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidExpiry {
    /// Unix seconds.
    At(i64),
    /// Never.
    Never,
}

impl Serialize for ValidExpiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ValidExpiry::At(seconds) => serializer.serialize_i64(*seconds),
            ValidExpiry::Never => serializer.serialize_str("never"),
        }
    }
}

impl FromValue for ValidExpiry {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Int(seconds) => Ok(ValidExpiry::At(seconds)),
            Value::String(text) if text == "never" => Ok(ValidExpiry::Never),
            other => Err(wrong_type("whole Unix seconds or `never`", &other)),
        }
    }
}
deserialize_by_value!(ValidExpiry);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiries_are_written_as_they_are_read() {
        for (expiry, text) in [
            (ExpiryInput::Seconds(1_800_000_000), "1800000000"),
            (ExpiryInput::Text("2027-12-31".into()), "\"2027-12-31\""),
        ] {
            assert_eq!(serde_json::to_string(&expiry).ok().as_deref(), Some(text));
            let read = Value::from_json(text.as_bytes()).and_then(ExpiryInput::from_value);
            assert_eq!(read, Ok(expiry));
        }
        for (expiry, text) in [
            (ValidExpiry::At(1_800_000_000), "1800000000"),
            (ValidExpiry::Never, "\"never\""),
        ] {
            assert_eq!(serde_json::to_string(&expiry).ok().as_deref(), Some(text));
            let read = Value::from_json(text.as_bytes()).and_then(ValidExpiry::from_value);
            assert_eq!(read, Ok(expiry));
        }
        let other = Value::from_json(b"\"always\"").and_then(ValidExpiry::from_value);
        assert!(other.is_err());
    }
}
