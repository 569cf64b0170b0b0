//! Secrets: the 32 characters of a token, and other secret text. Redacted in output, wiped when dropped.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::FromValue;
use crate::json::value::Value;

/// The characters of a secret. RULES.md, 1.
const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The length of a secret: 32 × log₂ 36 ≈ 165 bits.
pub(crate) const SECRET_LENGTH: usize = 32;
/// Bytes of entropy for one token.
const ENTROPY_LENGTH: usize = 64;
/// The bytes of entropy for the secret; the rest is for the id. Fewer than 32 of 52 bytes are usable once in 10²⁸
/// tokens.
const SECRET_ENTROPY: usize = 52;
/// The first unusable byte value: 252 = 7 × 36. Higher values would favour some characters.
const BIASED_FROM: u8 = 252;
/// The length of a run of equal bytes that marks entropy as not random. By chance it happens with a probability of
/// 2⁻⁵⁰, but a source that fills only part of the buffer causes it.
const MAX_RUN: usize = 8;

/// Text that is or contains a secret. It is wiped when dropped, and `Debug` doesn't show it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct SecretString(String);

impl SecretString {
    /// Takes ownership of the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        SecretString(text)
    }

    /// Returns the secret text. Don't log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromValue for SecretString {
    fn from_value(value: Value) -> Result<Self, Error> {
        String::from_value(value).map(SecretString)
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        SecretString(text.into())
    }
}

/// The 32 characters `A-Z 0-9` of a new token. It has no `Display`, `Debug` doesn't show it, and it is wiped when
/// dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret([u8; SECRET_LENGTH]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    pub(crate) fn borrow(&self) -> Presented<'_> {
        Presented(&self.0)
    }
}

/// The 32 characters of a token, borrowed from the request, so that there is no copy to wipe.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a>(&'a [u8; SECRET_LENGTH]);

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'a> Presented<'a> {
    /// Hashed in place of a secret if a header is malformed, so that the work is the same. No secret contains `_`.
    pub(crate) const DECOY: Presented<'static> = Presented(&[b'_'; SECRET_LENGTH]);

    /// Parses 32 characters; `None` for another length or a character outside the alphabet.
    #[inline]
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let bytes: &[u8; SECRET_LENGTH] = text.try_into().ok()?;
        // Eight characters at a time, because every request passes here.
        let good = |chunk: &[u8; 8]| {
            let word = u64::from_le_bytes(*chunk);
            !word & (between(word, b'A', b'Z') | between(word, b'0', b'9')) & HIGHEST == HIGHEST
        };
        bytes.as_chunks().0.iter().all(good).then_some(Presented(bytes))
    }

    pub(crate) fn as_bytes(self) -> &'a [u8; SECRET_LENGTH] {
        self.0
    }

    /// The last four characters, which lists may show.
    pub(crate) fn hint(self) -> String {
        let last = self.0.iter().skip(SECRET_LENGTH - 4);
        last.map(|byte| char::from(*byte)).collect()
    }
}

/// The highest bit of each of eight bytes.
const HIGHEST: u64 = 0x8080_8080_8080_8080;

/// Sets the highest bit of each byte from `low` to `high`, both included. The result is valid only if all eight bytes
/// are below 128.
#[inline]
const fn between(word: u64, low: u8, high: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The highest bit of a difference stays set unless the subtraction borrows from it.
    let at_least = (word | HIGHEST).wrapping_sub(ONES.wrapping_mul(low as u64));
    let at_most = (ONES.wrapping_mul(high as u64) | HIGHEST).wrapping_sub(word);
    at_least & at_most
}

/// 64 bytes from the platform's source of randomness, wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Entropy([u8; ENTROPY_LENGTH]);

impl Entropy {
    /// Parses 128 hex digits.
    ///
    /// # Errors
    /// `entropy_length`; `entropy_weak` for a run of eight equal bytes.
    pub(crate) fn from_hex(text: &str) -> Result<Self, Error> {
        let mut entropy = Entropy([0; ENTROPY_LENGTH]);
        let whole = base16ct::mixed::decode(text, &mut entropy.0).is_ok_and(|bytes| bytes.len() == ENTROPY_LENGTH);
        if !whole {
            return Err(Error::at(
                ErrorCode::EntropyLength,
                "entropy",
                "the entropy must be 64 bytes, as 128 hex digits",
            ));
        }
        if has_run(&entropy.0) {
            return Err(weak());
        }
        Ok(entropy)
    }

    /// Draws a secret by rejection sampling: each byte below 252 gives one of 36 characters with equal probability.
    ///
    /// # Errors
    /// `entropy_weak` if too few bytes are below 252.
    pub(crate) fn secret(&self) -> Result<Secret, Error> {
        let mut secret = Secret([0; SECRET_LENGTH]);
        let mut good = self.0.iter().take(SECRET_ENTROPY).filter(|byte| **byte < BIASED_FROM);
        for place in &mut secret.0 {
            let byte = good.next().ok_or_else(weak)?;
            *place = ALPHABET.get(usize::from(byte % 36)).copied().ok_or_else(weak)?;
        }
        Ok(secret)
    }

    /// The id of the record: the last 12 bytes in hex. It isn't secret.
    pub(crate) fn id(&self) -> String {
        base16ct::lower::encode_string(self.0.split_at(SECRET_ENTROPY).1)
    }
}

fn weak() -> Error {
    Error::at(
        ErrorCode::EntropyWeak,
        "entropy",
        "the entropy can't be random; the platform's source of randomness has failed",
    )
}

fn has_run(bytes: &[u8]) -> bool {
    bytes
        .windows(MAX_RUN)
        .any(|run| run.iter().all(|byte| Some(byte) == run.first()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_secret_is_32_characters_of_its_alphabet(mut text in "[A-Z0-9]{32}", at in 0_usize..32, byte: u8) {
            prop_assert!(Presented::parse(text.as_bytes()).is_some());
            let mut other = core::mem::take(&mut text).into_bytes();
            if let Some(place) = other.get_mut(at) {
                *place = byte;
            }
            prop_assert_eq!(Presented::parse(&other).is_some(), ALPHABET.contains(&byte));
        }

        #[test]
        fn refuses_text_that_is_not_a_secret(text in prop::collection::vec(any::<u8>(), 28..36)) {
            let good = text.len() == 32 && text.iter().all(|byte| ALPHABET.contains(byte));
            prop_assert_eq!(Presented::parse(&text).is_some(), good);
        }
    }
}
