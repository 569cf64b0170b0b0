//! What is stored of a secret: SHA-256, or HMAC-SHA-256 under a pepper kept outside the store. CONTRACT.md, 1.

mod four;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::base::error::{Error, ErrorCode};
use crate::json::decoder::{Fields, FromValue, deserialize_by_value};
use crate::json::value::Value;
use crate::token::name::is_pepper_id;
use crate::token::secret::{Presented, SecretString};

const SHA_256: &str = "sha256:";
const HMAC_SHA_256: &str = "hmac-sha256:";
const MAX_PEPPERS: usize = 8;

/// A key for hashes that is kept outside the store: a stolen store alone can't confirm a guess.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pepper {
    /// Names the key in stored hashes: 1 to 32 characters of `a-z A-Z 0-9 - _`. It isn't secret.
    pub id: String,
    /// 16 to 128 bytes in hex.
    pub key: SecretString,
}

impl FromValue for Pepper {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let pepper = Pepper {
            id: fields.required("id"),
            key: fields.required("key"),
        };
        fields.finish()?;
        Ok(pepper)
    }
}
deserialize_by_value!(Pepper);

/// The 32 bytes of a hash, as big-endian words. Equality is found in constant time (within what WebAssembly promises).
#[derive(Clone, Copy)]
pub(crate) struct Digest([u64; 4]);

impl Digest {
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_be_bytes(*chunk);
        }
        Digest(words)
    }

    pub(crate) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (word, chunk) in self.0.iter().zip(bytes.as_chunks_mut().0) {
            *chunk = word.to_be_bytes();
        }
        bytes
    }

    fn to_hex(self) -> String {
        base16ct::lower::encode_string(&self.to_bytes())
    }

    /// The eight 32-bit words, the first one first.
    #[inline]
    pub(crate) fn words(&self) -> [u32; 8] {
        let [a, b, c, d] = self.0;
        let halves = |word: u64| ((word >> 32) as u32, word as u32);
        let ((a, b), (c, d), (e, f), (g, h)) = (halves(a), halves(b), halves(c), halves(d));
        [a, b, c, d, e, f, g, h]
    }

    /// A number for an index. Digests are uniform; they are folded all the same, so that made-up ones don't crowd one place.
    #[inline]
    pub(crate) fn index(&self) -> u64 {
        let folded = self.0.iter().fold(0, |folded, word| folded ^ word);
        let product = u128::from(folded).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (product >> 64) as u64 ^ product as u64
    }

    /// A number for an index of texts. Nobody can choose texts that share one, as with a weaker hash.
    pub(crate) fn index_of(text: &[u8]) -> u64 {
        Digest::from_bytes(&Sha256::digest(text).into()).index()
    }

    #[inline]
    pub(crate) fn same(&self, other: &Digest) -> Choice {
        let words = self.0.iter().zip(&other.0);
        words.fold(0, |differing, (a, b)| differing | (a ^ b)).ct_eq(&0)
    }

    /// SHA-256 of a secret. It fits one block, whose padding (FIPS 180-4, 5.1.1) is always the same.
    #[inline]
    pub(crate) fn of(secret: Presented<'_>) -> Digest {
        let mut block = ONE_BLOCK;
        if let Some(message) = block.first_chunk_mut() {
            *message = *secret.as_bytes();
        }
        let mut state = INITIAL;
        compress256(&mut state, core::slice::from_ref(&block));
        Digest::from_words(state)
    }

    /// The same of four secrets.
    pub(crate) fn of_four(secrets: [Presented<'_>; 4]) -> [Digest; 4] {
        four::digests(secrets)
    }

    #[inline]
    pub(crate) fn from_words([a, b, c, d, e, f, g, h]: [u32; 8]) -> Self {
        let join = |high: u32, low: u32| (u64::from(high) << 32) | u64::from(low);
        Digest([join(a, b), join(c, d), join(e, f), join(g, h)])
    }
}

/// FIPS 180-4, 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A block for 32 bytes: after them the bit 1, zeros, and the length of 256 bits.
const ONE_BLOCK: [u8; 64] = {
    let mut block = [0; 64];
    block[32] = 0x80;
    block[62] = 0x01;
    block
};

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// A hash as records hold it.
#[derive(Clone, Debug)]
pub(crate) struct StoredHash {
    /// The id of the pepper, or none for the plain SHA-256.
    pub(crate) pepper: Option<String>,
    pub(crate) digest: Digest,
}

impl StoredHash {
    /// Reads `sha256:<hex>` or `hmac-sha256:<id>:<hex>`.
    ///
    /// # Errors
    /// `hash_kind_unsupported` and `hash_invalid`, at the field `hash`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if let Some(hex) = text.strip_prefix(SHA_256) {
            return Ok(StoredHash {
                pepper: None,
                digest: parse_digest(hex)?,
            });
        }
        if let Some(rest) = text.strip_prefix(HMAC_SHA_256) {
            let Some((id, hex)) = rest.split_once(':').filter(|(id, _)| is_pepper_id(id)) else {
                return Err(invalid());
            };
            return Ok(StoredHash {
                pepper: Some(id.into()),
                digest: parse_digest(hex)?,
            });
        }
        Err(Error::at(
            ErrorCode::HashKindUnsupported,
            "hash",
            "a stored hash starts with `sha256:` or `hmac-sha256:`",
        ))
    }
}

fn parse_digest(hex: &str) -> Result<Digest, Error> {
    let mut bytes = [0; 32];
    match base16ct::lower::decode(hex, &mut bytes) {
        Ok(decoded) if decoded.len() == 32 => Ok(Digest::from_bytes(&bytes)),
        _ => Err(invalid()),
    }
}

fn invalid() -> Error {
    Error::at(
        ErrorCode::HashInvalid,
        "hash",
        "a stored hash ends in 64 lowercase hex digits",
    )
}

/// The peppers in use, newest first, each with its key schedule done, and the plain SHA-256 after them.
#[derive(Clone, Default)]
pub(crate) struct Hasher {
    keyed: Vec<(String, Hmac<Sha256>)>,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keyed.iter().map(|(id, _)| id)).finish()
    }
}

impl Hasher {
    /// # Errors
    /// `pepper_invalid`, at the index of the pepper.
    pub(crate) fn new(peppers: &[Pepper]) -> Result<Self, Error> {
        if peppers.len() > MAX_PEPPERS {
            return Err(Error::new(
                ErrorCode::PepperInvalid,
                format!("at most {MAX_PEPPERS} peppers can be in use"),
            ));
        }
        let mut keyed: Vec<(String, Hmac<Sha256>)> = Vec::with_capacity(peppers.len());
        for (index, pepper) in peppers.iter().enumerate() {
            let key = keyed_hash(pepper).map_err(|error| error.under_index(index))?;
            if keyed.iter().any(|(id, _)| *id == pepper.id) {
                return Err(pepper_error("id", "two peppers have the same id").under_index(index));
            }
            keyed.push((pepper.id.clone(), key));
        }
        Ok(Hasher { keyed })
    }

    /// A hasher for new records: under one pepper, or none.
    ///
    /// # Errors
    /// `pepper_invalid`, at the fields of the pepper.
    pub(crate) fn of(pepper: Option<&Pepper>) -> Result<Self, Error> {
        let mut keyed = Vec::new();
        if let Some(pepper) = pepper {
            keyed.push((pepper.id.clone(), keyed_hash(pepper)?));
        }
        Ok(Hasher { keyed })
    }

    /// The place of a stored hash's pepper among the candidates.
    ///
    /// # Errors
    /// `pepper_unknown`, at the field `hash`.
    pub(crate) fn place(&self, hash: &StoredHash) -> Result<usize, Error> {
        match &hash.pepper {
            None => Ok(self.keyed.len()),
            Some(wanted) => self
                .place_of(wanted)
                .ok_or_else(|| pepper_unknown(wanted).under("hash")),
        }
    }

    /// Computes every candidate in order, whether or not one of them is wanted: the work doesn't depend on the token.
    #[inline]
    pub(crate) fn each(&self, secret: Presented<'_>, candidate: impl FnMut(usize, Digest)) {
        self.each_beside(secret, Digest::of(secret), candidate);
    }

    /// The same where the plain SHA-256 is known.
    #[inline]
    pub(crate) fn each_beside(&self, secret: Presented<'_>, plain: Digest, mut candidate: impl FnMut(usize, Digest)) {
        for (place, (_, key)) in self.keyed.iter().enumerate() {
            let mut mac = key.clone();
            mac.update(secret.as_bytes());
            candidate(place, Digest::from_bytes(&mac.finalize().into_bytes().into()));
        }
        candidate(self.keyed.len(), plain);
    }

    /// The place of a pepper by its id; that of the plain SHA-256 for the empty id.
    pub(crate) fn place_of(&self, pepper: &str) -> Option<usize> {
        if pepper.is_empty() {
            return Some(self.keyed.len());
        }
        self.keyed.iter().position(|(id, _)| id == pepper)
    }

    /// The text that a new record stores: under the newest pepper, or the plain SHA-256 when there is none.
    pub(crate) fn stored(&self, secret: Presented<'_>) -> String {
        self.all(secret).into_iter().next().unwrap_or_default()
    }

    /// The text of every candidate.
    pub(crate) fn all(&self, secret: Presented<'_>) -> Vec<String> {
        let mut texts = Vec::with_capacity(self.keyed.len().saturating_add(1));
        self.each(secret, |place, digest| {
            let hex = digest.to_hex();
            texts.push(match self.keyed.get(place) {
                Some((id, _)) => format!("{HMAC_SHA_256}{id}:{hex}"),
                None => format!("{SHA_256}{hex}"),
            });
        });
        texts
    }
}

/// A hash under a pepper that wasn't given.
pub(crate) fn pepper_unknown(id: &str) -> Error {
    let message = format!("the hash was made under the pepper `{id}`, which wasn't given");
    Error::new(ErrorCode::PepperUnknown, message)
}

fn pepper_error(field: &str, message: &'static str) -> Error {
    Error::at(ErrorCode::PepperInvalid, field, message)
}

fn keyed_hash(pepper: &Pepper) -> Result<Hmac<Sha256>, Error> {
    if !is_pepper_id(&pepper.id) {
        return Err(pepper_error(
            "id",
            "the id of a pepper is 1 to 32 characters of a-z, A-Z, 0-9, `-` and `_`",
        ));
    }
    let wrong = || pepper_error("key", "the key of a pepper is 16 to 128 bytes in hex");
    let mut bytes = Zeroizing::new([0; 128]);
    let key = base16ct::mixed::decode(pepper.key.expose(), bytes.as_mut()).map_err(|_| wrong())?;
    if key.len() < 16 {
        return Err(wrong());
    }
    Hmac::new_from_slice(key).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The one prepared block against the general hash, which `tests/tests/published.rs` holds against NIST's vectors.
        #[test]
        fn one_block_is_what_sha_256_makes_of_a_secret(text in "[A-Z0-9]{32}") {
            let secret = Presented::parse(text.as_bytes());
            let digest = secret.map(Digest::of).map(Digest::to_hex);
            let general: [u8; 32] = Sha256::digest(&text).into();
            prop_assert_eq!(digest, Some(base16ct::lower::encode_string(&general)));
        }

        #[test]
        fn four_secrets_at_once_are_hashed_like_each_alone(texts in prop::array::uniform4("[A-Z0-9]{32}")) {
            let secrets = texts.each_ref().map(|text| Presented::parse(text.as_bytes()).unwrap_or(Presented::DECOY));
            for (four, one) in Digest::of_four(secrets).iter().zip(secrets.map(Digest::of)) {
                prop_assert!(bool::from(four.same(&one)));
            }
        }

        #[test]
        fn digests_are_the_same_only_when_every_bit_is(bytes: [u8; 32], at in 0_usize..32, bit in 0_u32..8) {
            let digest = Digest::from_bytes(&bytes);
            let mut other = bytes;
            if let Some(byte) = other.get_mut(at) {
                *byte ^= 1_u8.wrapping_shl(bit);
            }
            prop_assert!(bool::from(digest.same(&digest)));
            prop_assert!(!bool::from(digest.same(&Digest::from_bytes(&other))));
        }
    }
}
