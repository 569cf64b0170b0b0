//! The numbers that tables and snapshots return for a decision.

use super::judgement::Matched;
use crate::auth::call::ResolvedCall;
use crate::auth::presentation::Presentation;
use crate::base::error::{Error, ErrorCode};
use crate::base::reason::Reason;

/// Returned for a call number that was never prepared.
pub(crate) const CALL_UNKNOWN: i64 = -1;

/// Encodes a decision: the reason's number × 2³² + the token's index + 1, or + 0 if no token matched.
#[inline]
pub(crate) fn code(reason: Reason, place: Option<u32>) -> i64 {
    let place = place.map_or(0, |at| i64::from(at).saturating_add(1));
    (i64::from(reason as u8) << 32) | place
}

/// Decodes the reason and the token's index.
///
/// # Errors
/// `call_unknown` for −1, `value_invalid` for a number that no verification returns.
pub(crate) fn read_code(code: i64) -> Result<(Reason, Option<u32>), Error> {
    if code == CALL_UNKNOWN {
        return Err(Error::new(ErrorCode::CallUnknown, "the call number was never prepared"));
    }
    let number = u64::try_from(code).map_err(|_| code_invalid())?;
    let reason = usize::try_from(number >> 32)
        .ok()
        .and_then(|number| Reason::ALL.get(number))
        .ok_or_else(code_invalid)?;
    let place = u32::try_from(number & 0xffff_ffff)
        .ok()
        .and_then(|place| place.checked_sub(1));
    match (reason, place) {
        (Reason::Ok, None) => Err(code_invalid()),
        _ => Ok((*reason, place)),
    }
}

/// The error for a number that no verification returns.
pub(crate) fn code_invalid() -> Error {
    Error::at(ErrorCode::ValueInvalid, "code", "no verification gives this number")
}

/// Decides on the token found, given with its index, and returns the number.
#[inline]
pub(crate) fn judge(
    presented: &Presentation<'_>,
    found: Option<(u32, Matched<'_>)>,
    target: &ResolvedCall,
    address: Option<&[u8]>,
    now: i64,
) -> i64 {
    match (&presented.credential, found) {
        (Err(reason), _) => code(*reason, None),
        (Ok(_), None) => code(Reason::TokenUnknown, None),
        (Ok(credential), Some((at, matched))) => code(matched.judge(credential, target, address, now), Some(at)),
    }
}
