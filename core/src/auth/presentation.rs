//! A header, read and hashed: the part of a verification that doesn't ask what is known, and that can be done for several
//! headers at once.

use core::fmt;

use super::authorization::{Credential, parse};
use crate::base::reason::Reason;
use crate::token::hash::digest::Digest;
use crate::token::hash::four_way;
use crate::token::hash::hasher::Hasher;
use crate::token::secret::Presented;

/// What a header presents. `Debug` doesn't show it.
pub struct Presentation<'h> {
    pub(crate) credential: Result<Credential<'h>, Reason>,
    /// The secret, or the decoy of a header that can't be read: the work is the same for it.
    pub(crate) secret: Presented<'h>,
    /// Its SHA-256.
    pub(crate) plain: Digest,
}

impl fmt::Debug for Presentation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presentation(…)")
    }
}

impl<'h> Presentation<'h> {
    /// Reads and hashes one header.
    #[must_use]
    #[inline]
    pub fn read(authorization: &'h [u8]) -> Self {
        Presentation::of(parse(authorization))
    }

    /// The same of a header that has been read.
    #[inline]
    pub(crate) fn of(credential: Result<Credential<'h>, Reason>) -> Self {
        let secret = secret_of(&credential);
        Presentation {
            credential,
            secret,
            plain: Digest::of(secret),
        }
    }

    /// Reads four headers, and hashes them at once.
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

    /// The place of the token that is presented, asked of whoever knows where a digest under the pepper of a place stands.
    /// Every candidate is computed and compared, whether or not one of them is known.
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
            // A miss compares as often as a hit does.
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
