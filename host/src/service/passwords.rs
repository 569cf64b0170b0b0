//! Passwords of accounts: argon2id, with the parameters that its crate recommends.

use argon2::Argon2;
use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::Service;
use crate::entropy::ENTROPY_BYTES;
use crate::error::{Error, Result};
use crate::store::{PasswordHash, StoreError};

/// Bytes that a password may have.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=1024;

/// Bytes of a salt.
const SALT: usize = 16;

/// For a user without a password: the work must be done all the same, or its time would tell who exists.
const DECOY_SALT: [u8; SALT] = *b"nobody's at home";

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
        let stored = self.store.password(user).await?;
        if password.len() > *LENGTH.end() {
            return Ok(false);
        }
        self.blocking(move || match stored {
            Some(stored) => phc::PasswordHash::new(stored.expose())
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()),
            None => {
                let decoy = Argon2::default().hash_password_with_salt(password.as_bytes(), &DECOY_SALT);
                std::hint::black_box::<Result<phc::PasswordHash, _>>(decoy).ok();
                false
            }
        })
        .await
    }

    /// The hash of a new password, under a salt of its own.
    pub(super) async fn hash_password(&self, password: Zeroizing<String>) -> Result<PasswordHash> {
        if !LENGTH.contains(&password.len()) {
            return Err(Error::PasswordLength);
        }
        let mut random = [0; ENTROPY_BYTES];
        self.entropy.fill(&mut random)?;
        let hash: Option<String> = self
            .blocking(move || {
                let salt = random.first_chunk::<SALT>().copied().unwrap_or(DECOY_SALT);
                Argon2::default()
                    .hash_password_with_salt(password.as_bytes(), &salt)
                    .ok()
                    .map(|hash: phc::PasswordHash| hash.to_string())
            })
            .await?;
        hash.map(PasswordHash::new)
            .ok_or_else(|| StoreError::Failed("a password could not be hashed".to_owned()).into())
    }

    /// Does heavy work aside, a few at a time: each takes 19 MiB and some hundredths of a second.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let gone = || StoreError::Failed("work aside was broken off".to_owned());
        let _permit = self.hashing.acquire().await.map_err(|_| gone())?;
        Ok(spawn_blocking(work).await.map_err(|_| gone())?)
    }
}
