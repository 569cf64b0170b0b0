//! Computes the hashes under which a secret may be stored.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::digest::Digest;
use super::pepper::{Pepper, keyed_hash, pepper_error, pepper_unknown};
use super::stored::{HMAC_SHA_256, SHA_256, StoredHash};
use crate::base::error::{Error, ErrorCode};
use crate::token::secret::Presented;

const MAX_PEPPERS: usize = 8;

/// The peppers in use, newest first, each with its key schedule computed. The plain SHA-256 comes last.
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

    /// Creates a hasher for new records, with one pepper or none.
    ///
    /// # Errors
    /// `pepper_invalid`, at the field of the pepper.
    pub(crate) fn of(pepper: Option<&Pepper>) -> Result<Self, Error> {
        let mut keyed = Vec::new();
        if let Some(pepper) = pepper {
            keyed.push((pepper.id.clone(), keyed_hash(pepper)?));
        }
        Ok(Hasher { keyed })
    }

    /// The index of a stored hash's pepper among the candidates.
    ///
    /// # Errors
    /// `pepper_unknown`, at the field `hash`.
    pub(crate) fn pepper_index(&self, hash: &StoredHash) -> Result<usize, Error> {
        match &hash.pepper {
            None => Ok(self.keyed.len()),
            Some(wanted) => self
                .pepper_index_of(wanted)
                .ok_or_else(|| pepper_unknown(wanted).under("hash")),
        }
    }

    /// Computes every candidate in order, so that the work doesn't depend on the token.
    #[inline]
    pub(crate) fn for_each_candidate(&self, secret: Presented<'_>, candidate: impl FnMut(usize, Digest)) {
        self.for_each_candidate_with(secret, Digest::of(secret), candidate);
    }

    /// The same, with the plain SHA-256 already computed.
    #[inline]
    pub(crate) fn for_each_candidate_with(
        &self,
        secret: Presented<'_>,
        plain: Digest,
        mut candidate: impl FnMut(usize, Digest),
    ) {
        for (place, (_, key)) in self.keyed.iter().enumerate() {
            let mut mac = key.clone();
            mac.update(secret.as_bytes());
            candidate(place, Digest::from_bytes(&mac.finalize().into_bytes().into()));
        }
        candidate(self.keyed.len(), plain);
    }

    /// The index of a pepper by its id; the empty id selects the plain SHA-256.
    pub(crate) fn pepper_index_of(&self, pepper: &str) -> Option<usize> {
        if pepper.is_empty() {
            return Some(self.keyed.len());
        }
        self.keyed.iter().position(|(id, _)| id == pepper)
    }

    /// The hash to store in a new record: under the newest pepper, or the plain SHA-256.
    pub(crate) fn stored(&self, secret: Presented<'_>) -> String {
        self.all(secret).into_iter().next().unwrap_or_default()
    }

    /// Every candidate, as text.
    pub(crate) fn all(&self, secret: Presented<'_>) -> Vec<String> {
        let mut texts = Vec::with_capacity(self.keyed.len().saturating_add(1));
        self.for_each_candidate(secret, |place, digest| {
            let hex = digest.to_hex();
            texts.push(match self.keyed.get(place) {
                Some((id, _)) => format!("{HMAC_SHA_256}{id}:{hex}"),
                None => format!("{SHA_256}{hex}"),
            });
        });
        texts
    }
}
