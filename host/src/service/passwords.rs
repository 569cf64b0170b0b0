//! Passwords of accounts: argon2id, with the parameters that its crate recommends.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::Service;
use super::hashing::Area;
use crate::entropy::ENTROPY_BYTES;
use crate::error::{Error, Result};
use crate::store::{PasswordHash, StoreError};

/// Bytes that a password may have, as it was typed.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=1024;

/// Bytes of a salt.
const SALT: usize = 16;

/// For a user without a password: the work must be done all the same, or its time would tell who exists.
const DECOY_SALT: [u8; SALT] = *b"nobody's at home";

/// The form in which passwords are hashed and compared, whatever keyboard typed them: spaces of other kinds become plain ones,
/// and letters that can be written in two ways are composed (RFC 8265, section 4.2, the profile OpaqueString).
fn prepared(password: &str) -> Zeroizing<String> {
    // Composing makes no text longer than three times its bytes, so nothing is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(password.len().saturating_mul(3)));
    text.extend(password.chars().map(plain_space).nfc());
    text
}

/// A space of any kind as the plain one.
fn plain_space(character: char) -> char {
    // The category Zs of Unicode.
    match character {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    }
}

impl Service {
    /// Replaces the password of an account.
    ///
    /// # Errors
    /// `password_length`, `account_unknown`, `entropy_unavailable`; failures of the store.
    pub async fn set_password(&self, user: &str, password: Zeroizing<String>) -> Result<()> {
        let hash = self.hash_password(password).await?;
        Ok(self.store.set_password(user, &hash).await?)
    }

    /// Whether this is the password of the user's account. The same work is done where there is no such user.
    ///
    /// # Errors
    /// Failures of the store: treat any error as a refusal.
    pub async fn check_password(&self, user: &str, password: Zeroizing<String>) -> Result<bool> {
        Ok(self
            .check_password_if(user, password, || Some(()))
            .await?
            .is_some_and(|right| right))
    }

    /// [`Service::check_password`] where the work may have to wait for so long that it is not wanted any more: `turn`
    /// is asked when its turn has come, and what it gives is held until the work is done. `None` when it gives nothing;
    /// then nothing was done.
    ///
    /// # Errors
    /// Failures of the store: treat any error as a refusal.
    pub async fn check_password_if<H: Send + 'static>(
        &self,
        user: &str,
        password: Zeroizing<String>,
        turn: impl FnOnce() -> Option<H> + Send,
    ) -> Result<Option<bool>> {
        let stored = self.store.password(user).await?;
        if password.len() > *LENGTH.end() {
            return Ok(Some(false));
        }
        let typed = password;
        let forms = [prepared(&typed)];
        // Hashes from before passwords had one form are of what was typed then.
        let older = Some(typed).filter(|typed| *typed != forms[0]);
        let work = move |area: &mut Area| {
            forms.iter().chain(&older).fold(false, |right, form| {
                let same = match &stored {
                    Some(stored) => area.verify(form.as_bytes(), stored.expose()),
                    None => {
                        std::hint::black_box(area.hash(form.as_bytes(), &DECOY_SALT));
                        false
                    }
                };
                right | same
            })
        };
        Ok(self.hashing.run(turn, work).await?)
    }

    /// The hash of a new password, under a salt of its own.
    pub(super) async fn hash_password(&self, password: Zeroizing<String>) -> Result<PasswordHash> {
        if !LENGTH.contains(&password.len()) {
            return Err(Error::PasswordLength);
        }
        if password.chars().any(char::is_control) {
            return Err(Error::PasswordCharacter);
        }
        let password = prepared(&password);
        let mut random = [0; ENTROPY_BYTES];
        self.entropy.fill(&mut random)?;
        let work = move |area: &mut Area| {
            let salt = random.first_chunk::<SALT>().copied().unwrap_or(DECOY_SALT);
            area.hash(password.as_bytes(), &salt)
        };
        let hash = self.hashing.run(|| Some(()), work).await?.flatten();
        hash.map(PasswordHash::new)
            .ok_or_else(|| StoreError::Failed("a password could not be hashed".to_owned()).into())
    }

    /// How many passwords have been hashed, to set them or to check them, since this service was made.
    #[must_use]
    pub fn passwords_hashed(&self) -> u64 {
        self.hashing.begun()
    }
}
