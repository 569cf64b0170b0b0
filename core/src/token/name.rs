//! Names of tokens. RULES.md, 1.

use alloc::format;

use crate::base::character::with_culprit;
use crate::base::error::{Error, ErrorCode};

/// The most characters in a token's name.
pub const MAX_NAME: usize = 50;
/// Whether a name may contain the byte.
#[inline(always)]
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Checks a token's name: 1 to 50 characters of `a-z A-Z 0-9 - _`. Case matters.
pub(crate) fn check_name(name: &str, field: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::at(
            ErrorCode::NameEmpty,
            field,
            "a token needs a name of 1 to 50 characters",
        ));
    }
    if name.chars().count() > MAX_NAME {
        return Err(Error::at(
            ErrorCode::NameTooLong,
            field,
            format!("a name may have at most {MAX_NAME} characters"),
        ));
    }
    if !name.bytes().all(is_name_byte) {
        return Err(Error::at(
            ErrorCode::NameCharacter,
            field,
            with_culprit(
                "a name may contain only letters, digits, `-` and `_`",
                name,
                |character| u8::try_from(character).is_ok_and(is_name_byte),
            ),
        ));
    }
    Ok(())
}

/// Whether the bytes are a token's name.
pub(crate) fn is_name(name: &[u8]) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.iter().copied().all(is_name_byte)
}

/// The error for a name that another of the user's tokens has.
pub(crate) fn name_taken(field: &str) -> Error {
    Error::at(
        ErrorCode::NameTaken,
        field,
        "the user has a token of that name; names are unique among a user's tokens",
    )
}
