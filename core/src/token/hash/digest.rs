//! SHA-256 digests: computed, compared in constant time, and used as keys of an index.

use alloc::string::String;
use core::fmt;

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::token::secret::Presented;

/// The 32 bytes of a hash, as big-endian words. Comparisons take constant time, as far as WebAssembly allows.
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

    pub(crate) fn to_hex(self) -> String {
        base16ct::lower::encode_string(&self.to_bytes())
    }

    /// The eight 32-bit words, in order.
    #[inline]
    pub(crate) fn words(&self) -> [u32; 8] {
        let [a, b, c, d] = self.0;
        let halves = |word: u64| ((word >> 32) as u32, word as u32);
        let ((a, b), (c, d), (e, f), (g, h)) = (halves(a), halves(b), halves(c), halves(d));
        [a, b, c, d, e, f, g, h]
    }

    /// A hash for an index. Digests are uniform, but are mixed anyway, so that forged ones can't crowd one bucket.
    #[inline]
    pub(crate) fn index(&self) -> u64 {
        let folded = self.0.iter().fold(0, |folded, word| folded ^ word);
        let product = u128::from(folded).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (product >> 64) as u64 ^ product as u64
    }

    /// A hash of a text for an index. It comes from SHA-256, so that nobody can easily choose texts that share a
    /// bucket.
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

    #[inline]
    pub(crate) fn from_words([a, b, c, d, e, f, g, h]: [u32; 8]) -> Self {
        let join = |high: u32, low: u32| (u64::from(high) << 32) | u64::from(low);
        Digest([join(a, b), join(c, d), join(e, f), join(g, h)])
    }
}

/// The initial hash value (FIPS 180-4, 5.3.3).
pub(super) const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A padded block for 32 bytes: after them the bit 1, zeros, and the length, 256 bits.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Compares the prepared block with the general hash, which `tests/tests/published.rs` compares with NIST's
        /// vectors.
        #[test]
        fn single_block_digest_equals_sha_256(text in "[A-Z0-9]{32}") {
            let secret = Presented::parse(text.as_bytes());
            let digest = secret.map(Digest::of).map(Digest::to_hex);
            let general: [u8; 32] = Sha256::digest(&text).into();
            prop_assert_eq!(digest, Some(base16ct::lower::encode_string(&general)));
        }

        #[test]
        fn digests_differ_when_one_bit_differs(bytes: [u8; 32], at in 0_usize..32, bit in 0_u32..8) {
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
