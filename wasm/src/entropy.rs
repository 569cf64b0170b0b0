//! Entropy from `crypto.getRandomValues`. If the platform lacks it, or it throws, the result is an error, never zeros.

use tokenlatch_core::{Error, ErrorCode, Value};
use zeroize::Zeroize;

use crate::import::hex;

/// Returns 64 fresh random bytes in the form that the core expects.
pub(crate) fn fresh() -> Result<Value, Error> {
    let mut bytes = [0u8; 64];
    let filled = getrandom::fill(&mut bytes);
    let digits = hex(&bytes);
    bytes.zeroize();
    match filled {
        Ok(()) => Ok(Value::String(digits)),
        Err(_) => Err(Error::at(
            ErrorCode::EntropyUnavailable,
            "entropy",
            "the platform gave no random bytes: `crypto.getRandomValues` is missing or threw",
        )),
    }
}
