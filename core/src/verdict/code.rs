//! The numbers with which tables and snapshots answer.

use super::judgement::Matched;
use crate::auth::call::ResolvedCall;
use crate::auth::presentation::Presentation;
use crate::base::error::{Error, ErrorCode};
use crate::base::reason::Reason;

/// What is answered for a call that was never prepared.
pub(crate) const CALL_UNKNOWN: i64 = -1;

/// The reason's number × 2³² + the place of the token + 1, or + 0 where none has the hash.
#[inline]
pub(crate) fn code(reason: Reason, place: Option<u32>) -> i64 {
    let place = place.map_or(0, |at| i64::from(at).saturating_add(1));
    (i64::from(reason as u8) << 32) | place
}

/// What a code says: the reason, and the place of the token.
///
/// # Errors
/// `call_unknown` for −1, `value_invalid` for a number that no verification gives.
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

/// A number that no verification gives.
pub(crate) fn code_invalid() -> Error {
    Error::at(ErrorCode::ValueInvalid, "code", "no verification gives this number")
}

/// Judges the token that was found and its place, and returns the number.
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
