//! Hashes one secret after another: native processors have instructions for a single block.

use crate::token::hash::digest::Digest;
use crate::token::secret::Presented;

/// SHA-256 of each secret.
pub(crate) fn digests(secrets: [Presented<'_>; 4]) -> [Digest; 4] {
    secrets.map(Digest::of)
}
