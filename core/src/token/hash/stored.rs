//! Stored hashes: SHA-256, or HMAC-SHA-256 under a pepper. RULES.md, 1.

use alloc::string::String;

use super::digest::Digest;
use super::pepper::is_pepper_id;
use crate::base::error::{Error, ErrorCode};

/// The beginning of a plain SHA-256.
pub(super) const SHA_256: &str = "sha256:";
/// The beginning of an HMAC-SHA-256 under a pepper.
pub(super) const HMAC_SHA_256: &str = "hmac-sha256:";

/// A hash as records store it.
#[derive(Clone, Debug)]
pub(crate) struct StoredHash {
    /// The id of the pepper; `None` for the plain SHA-256.
    pub(crate) pepper: Option<String>,
    pub(crate) digest: Digest,
}

impl StoredHash {
    /// Parses `sha256:<hex>` or `hmac-sha256:<id>:<hex>`.
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
