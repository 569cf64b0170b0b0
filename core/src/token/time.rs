//! Times: whole Unix seconds, from 2020 to the end of the year 9999.

use crate::base::error::{Error, ErrorCode};

/// 2020-01-01T00:00:00Z. An earlier clock isn't set, and a clock at zero would make every expired token valid.
pub(crate) const MIN_NOW: i64 = 1_577_836_800;
/// 9999-12-31T23:59:59Z, the last instant with a four-digit year (RFC 3339).
pub(crate) const MAX_TIME: i64 = 253_402_300_799;
/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;

/// Whether a time can be now.
pub(crate) fn is_now(now: i64) -> bool {
    (MIN_NOW..=MAX_TIME).contains(&now)
}

/// Checks that a time can be now.
pub(crate) fn check_now(now: i64) -> Result<(), Error> {
    if is_now(now) {
        Ok(())
    } else {
        Err(Error::at(
            ErrorCode::NowInvalid,
            "now",
            "the time must be whole Unix seconds from the years 2020 to 9999; is the clock set, and in seconds?",
        ))
    }
}
