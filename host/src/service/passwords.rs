//! Account passwords, hashed with argon2id under the parameters that its crate recommends.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::Service;
use super::hashing::Area;
use crate::entropy::ENTROPY_BYTES;
use crate::error::{Error, Result};
use crate::store::{PasswordHash, StoreError};

/// The length of a password in bytes, as typed.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=1024;

/// The length of a salt in bytes.
const SALT: usize = 16;

/// The salt for users without a password. Hashing anyway keeps the response time from revealing which users exist.
const DECOY_SALT: [u8; SALT] = *b"nobody's at home";

/// Normalizes a password, so that it does not depend on the keyboard: other kinds of spaces become plain ones, and characters
/// are composed (RFC 8265, section 4.2, the profile OpaqueString).
fn prepared(password: &str) -> Zeroizing<String> {
    // Composing makes a text at most three times as long, so the buffer never grows and leaves no copy behind.
    let mut text = Zeroizing::new(String::with_capacity(password.len().saturating_mul(3)));
    text.extend(password.chars().map(plain_space).nfc());
    text
}

/// Maps a space of any kind to the plain one.
fn plain_space(character: char) -> char {
    // Unicode category Zs.
    match character {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    }
}

impl Service {
    /// Replaces an account's password.
    ///
    /// # Errors
    /// `password_length`, `account_unknown`, `entropy_unavailable`; failures of the store.
    pub async fn set_password(&self, user: &str, password: Zeroizing<String>) -> Result<()> {
        let hash = self.hash_password(password).await?;
        Ok(self.store.set_password(user, &hash).await?)
    }

    /// Whether the password is that of the user's account. An unknown user costs the same work.
    ///
    /// # Errors
    /// Failures of the store: treat any error as a refusal.
    pub async fn check_password(&self, user: &str, password: Zeroizing<String>) -> Result<bool> {
        Ok(self
            .check_password_if(user, password, || Some(()))
            .await?
            .is_some_and(|right| right))
    }

    /// Checks a password as [`Service::check_password`] does, unless it is no longer wanted when its turn comes. `turn` is
    /// called then. If it returns `None`, nothing is done and the result is `None`; otherwise its value is held until the
    /// work is done.
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
        // Older hashes were made of the password as typed, before passwords were normalized.
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

    /// Hashes a new password under a fresh salt.
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
            .ok_or_else(|| StoreError::Failed("hashing a password failed".to_owned()).into())
    }

    /// How many passwords this service has hashed, to set or to check them.
    #[must_use]
    pub fn passwords_hashed(&self) -> u64 {
        self.hashing.begun()
    }
}
