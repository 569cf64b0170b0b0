//! The text of a token: the secret alone, or prefix, secret and checksum, which secret scanners recognise.

use alloc::string::String;

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

use super::secret::{Presented, SECRET_LENGTH};
use crate::base::error::{Error, ErrorCode};

const CHECKSUM_LENGTH: usize = 7;
const BASE_36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const CRC_32: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// What is wrong with a token text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextFault {
    Prefix,
    Length,
    Character,
    Checksum,
}

impl TextFault {
    pub(crate) fn error(self, field: &str) -> Error {
        let (code, message) = match self {
            TextFault::Prefix => (
                ErrorCode::TokenPrefix,
                "the part before `_` must be 2 to 16 characters of a-z and 0-9, starting with a letter",
            ),
            TextFault::Length => (
                ErrorCode::TokenLength,
                "a token has 32 characters, or a prefix, `_` and 39 characters",
            ),
            TextFault::Character => (
                ErrorCode::TokenCharacter,
                "a token may contain only the characters A-Z and 0-9 after its prefix",
            ),
            TextFault::Checksum => (
                ErrorCode::TokenChecksum,
                "the checksum is wrong: the token was mistyped or cut",
            ),
        };
        Error::at(code, field, message)
    }
}

/// Parses a token text, and verifies its checksum if it has one.
#[inline]
pub(crate) fn parse(text: &[u8]) -> Result<Presented<'_>, TextFault> {
    if text.len() == SECRET_LENGTH
        && let Some(secret) = Presented::parse(text)
    {
        return Ok(secret);
    }
    parse_uncommon(text)
}

fn parse_uncommon(text: &[u8]) -> Result<Presented<'_>, TextFault> {
    let Some(separator) = text.iter().rposition(|byte| *byte == b'_') else {
        return Err(if characters(text) == SECRET_LENGTH {
            TextFault::Character
        } else {
            TextFault::Length
        });
    };
    let (prefix, rest) = text.split_at(separator);
    let body = rest.split_first().map_or(rest, |(_, body)| body);
    if !is_prefix(prefix) {
        return Err(TextFault::Prefix);
    }
    if characters(body) != SECRET_LENGTH + CHECKSUM_LENGTH {
        return Err(TextFault::Length);
    }
    let is_body = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let Some((secret, checksum)) = body.split_at_checked(SECRET_LENGTH) else {
        return Err(TextFault::Length);
    };
    let (true, Some(secret)) = (checksum.iter().all(is_body), Presented::parse(secret)) else {
        return Err(TextFault::Character);
    };
    // The checksum protects no secret: anyone who knows the 32 characters can compute it.
    if checksum != checksum_of(prefix, secret) {
        return Err(TextFault::Checksum);
    }
    Ok(secret)
}

/// Counts characters, as people do; bytes if the text isn't UTF-8.
fn characters(text: &[u8]) -> usize {
    core::str::from_utf8(text).map_or(text.len(), |text| text.chars().count())
}

/// Formats the text of a new token.
pub(crate) fn format(prefix: Option<&str>, secret: Presented<'_>) -> String {
    let mut text = String::with_capacity(64);
    if let Some(prefix) = prefix {
        text.push_str(prefix);
        text.push('_');
    }
    text.extend(secret.as_bytes().iter().map(|byte| char::from(*byte)));
    if let Some(prefix) = prefix {
        text.extend(checksum_of(prefix.as_bytes(), secret).map(char::from));
    }
    text
}

fn checksum_of(prefix: &[u8], secret: Presented<'_>) -> [u8; CHECKSUM_LENGTH] {
    let mut digest = CRC_32.digest();
    digest.update(prefix);
    digest.update(b"_");
    digest.update(secret.as_bytes());
    let mut rest = digest.finalize();
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for place in digits.iter_mut().rev() {
        if let Some(digit) = usize::try_from(rest % 36).ok().and_then(|at| BASE_36.get(at)) {
            *place = *digit;
        }
        rest /= 36;
    }
    digits
}

/// Whether the bytes are the prefix of a token text: 2 to 16 characters of `a-z 0-9`, the first a letter.
pub(crate) fn is_prefix(prefix: &[u8]) -> bool {
    (2..=16).contains(&prefix.len())
        && prefix.first().is_some_and(u8::is_ascii_lowercase)
        && prefix
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// # Errors
/// `prefix_invalid`, at the field `prefix`.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), Error> {
    if is_prefix(prefix.as_bytes()) {
        Ok(())
    } else {
        Err(Error::at(
            ErrorCode::PrefixInvalid,
            "prefix",
            "a prefix is 2 to 16 characters of a-z and 0-9, starting with a letter",
        ))
    }
}
