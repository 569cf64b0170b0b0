//! Names of tokens, users and features: what they may hold. CONTRACT.md, 1.

use alloc::format;

use crate::base::character::with_culprit;
use crate::base::error::{Error, ErrorCode};

/// A token's name has at most so many characters.
pub const MAX_NAME: usize = 50;
/// A user has at most so many characters.
pub(crate) const MAX_USER: usize = 64;
const MAX_FEATURE: usize = 64;

#[inline(always)]
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[inline(always)]
const fn is_user_byte(byte: u8) -> bool {
    is_name_byte(byte) || byte == b'.' || byte == b'@'
}

/// A token's name: 1 to 50 characters of `a-z A-Z 0-9 - _`; case matters.
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

/// Whether the bytes are a user: 1 to 64 characters of `a-z A-Z 0-9 - _ . @`; never a `:`, which ends a user in a header.
pub(crate) fn is_user(user: &[u8]) -> bool {
    (1..=MAX_USER).contains(&user.len()) && user.iter().copied().all(is_user_byte)
}

/// The same rule, with a code for what is wrong.
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

/// A feature: 1 to 64 characters of `a-z A-Z 0-9 - _ .`, the first a letter or digit.
pub(crate) fn is_feature(feature: &str) -> bool {
    feature.len() <= MAX_FEATURE
        && feature.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && feature.bytes().all(is_feature_byte)
}

/// Whether a feature may hold the byte.
pub(crate) const fn is_feature_byte(byte: u8) -> bool {
    is_name_byte(byte) || byte == b'.'
}

/// The id of a pepper: 1 to 32 characters of `a-z A-Z 0-9 - _`.
pub(crate) fn is_pepper_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(is_name_byte)
}

/// The prefix of a token text: 2 to 16 characters of `a-z 0-9`, the first a letter.
pub(crate) fn is_prefix(prefix: &[u8]) -> bool {
    (2..=16).contains(&prefix.len())
        && prefix.first().is_some_and(u8::is_ascii_lowercase)
        && prefix
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
