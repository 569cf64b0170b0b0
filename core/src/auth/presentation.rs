//! A header, parsed and hashed: the part of a verification that needs no records, and that can be done for several
//! headers at once.

use core::fmt;

use super::credentials::{Credentials, Field, Room};
use super::scheme::{Credential, parse};
use crate::base::reason::Reason;
use crate::token::hash::digest::Digest;
use crate::token::hash::four_way;
use crate::token::hash::hasher::Hasher;
use crate::token::secret::Presented;

/// A parsed and hashed header. `Debug` doesn't show it.
pub struct Presentation<'h> {
    pub(crate) credential: Result<Credential<'h>, Reason>,
    /// The secret, or a decoy if the header is malformed, so that the work is the same.
    pub(crate) secret: Presented<'h>,
    /// SHA-256 of the secret.
    pub(crate) plain: Digest,
}

impl fmt::Debug for Presentation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presentation(…)")
    }
}

impl<'h> Presentation<'h> {
    /// Parses and hashes one header, by the usual schemes.
    #[must_use]
    #[inline]
    pub fn read(authorization: &'h [u8]) -> Self {
        Presentation::of(parse(authorization))
    }

    /// Finds the credential among the fields of a request, and hashes it.
    pub(crate) fn find_in(accepted: &Credentials, fields: &[Field<'h>], room: &'h mut Room) -> Self {
        Presentation::of(accepted.find(fields, room))
    }

    /// Hashes a header that has been parsed.
    #[inline]
    pub(crate) fn of(credential: Result<Credential<'h>, Reason>) -> Self {
        let secret = secret_of(&credential);
        Presentation {
            credential,
            secret,
            plain: Digest::of(secret),
        }
    }

    /// Parses four headers, by the usual schemes, and hashes them at once.
    #[must_use]
    pub fn read_four(authorizations: [&'h [u8]; 4]) -> [Self; 4] {
        let credentials = authorizations.map(parse);
        let [a, b, c, d] = &credentials;
        let secrets = [secret_of(a), secret_of(b), secret_of(c), secret_of(d)];
        let mut read = secrets.into_iter().zip(four_way::digests(secrets));
        credentials.map(|credential| {
            let (secret, plain) = read.next().unwrap_or_else(|| {
                // There are as many secrets as credentials.
                let secret = secret_of(&credential);
                (secret, Digest::of(secret))
            });
            Presentation {
                credential,
                secret,
                plain,
            }
        })
    }

    /// Looks the token up with `known(digest, pepper_index)`. Computes and compares every candidate, whether or not
    /// one is known.
    #[inline]
    pub(crate) fn find(
        &self,
        hasher: &Hasher,
        decoy: &Digest,
        mut known: impl FnMut(&Digest, usize) -> Option<u32>,
    ) -> Option<u32> {
        let mut found = None;
        hasher.for_each_candidate_with(self.secret, self.plain, |pepper, digest| match known(&digest, pepper) {
            Some(at) => found = Some(at),
            // A miss does as many comparisons as a hit.
            None => _ = core::hint::black_box(decoy.same(&digest)),
        });
        found
    }
}

#[inline]
fn secret_of<'h>(credential: &Result<Credential<'h>, Reason>) -> Presented<'h> {
    credential
        .as_ref()
        .map_or(Presented::DECOY, |credential| credential.secret)
}
