//! HMAC-SHA-256 by the text of RFC 2104, so that expected hashes don't come from the library that the core uses.

use sha2::{Digest, Sha256};

/// The length of a block of SHA-256, in bytes.
const BLOCK: usize = 64;

/// H(K ⊕ opad, H(K ⊕ ipad, text)).
#[must_use]
pub fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let hashed = Sha256::digest(key);
    let key = if key.len() > BLOCK { hashed.as_slice() } else { key };
    let padded = |pad: u8| {
        let zeros = std::iter::repeat_n(&0, BLOCK - key.len());
        let bytes = key.iter().chain(zeros).map(|byte| byte ^ pad);
        bytes.collect::<Vec<u8>>()
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}
