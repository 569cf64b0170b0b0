//! Users, as tokens and headers name them. RULES.md, 1.

use alloc::format;

use super::name::is_name_byte;
use crate::base::character::with_culprit;
use crate::base::error::{Error, ErrorCode};

/// The most characters in a user.
pub(crate) const MAX_USER: usize = 64;

#[inline(always)]
const fn is_user_byte(byte: u8) -> bool {
    is_name_byte(byte) || byte == b'.' || byte == b'@'
}

/// Whether the bytes are a user: 1 to 64 characters of `a-z A-Z 0-9 - _ . @`; never `:`, which ends the user in a
/// header.
pub(crate) fn is_user(user: &[u8]) -> bool {
    (1..=MAX_USER).contains(&user.len()) && user.iter().copied().all(is_user_byte)
}

/// Checks a user by the same rule.
pub(crate) fn check_user(user: &str, field: &str) -> Result<(), Error> {
    if user.is_empty() {
        return Err(Error::at(ErrorCode::UserEmpty, field, "a user has 1 to 64 characters"));
    }
    if user.chars().count() > MAX_USER {
        return Err(Error::at(
            ErrorCode::UserTooLong,
            field,
            format!("a user may have at most {MAX_USER} characters"),
        ));
    }
    if !is_user(user.as_bytes()) {
        return Err(Error::at(
            ErrorCode::UserCharacter,
            field,
            with_culprit(
                "a user may contain only letters, digits, `-`, `_`, `.` and `@`",
                user,
                |character| u8::try_from(character).is_ok_and(is_user_byte),
            ),
        ));
    }
    Ok(())
}
