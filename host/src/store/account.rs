//! Stored accounts.

use std::fmt;

use async_trait::async_trait;
use tokenlatch_core::{Account, Features, Policy};

use super::error::StoreError;
use super::record::Change;

/// A stored account.
#[derive(Clone, Debug)]
pub struct StoredAccount {
    /// The account as the module sees it.
    pub account: Account,
    /// The administrator's policy for its new tokens.
    pub policy: Policy,
    /// Whether it has a password.
    pub has_password: bool,
    /// When it was added, in Unix seconds.
    pub created: i64,
    /// The number of its tokens that are not revoked.
    pub live_tokens: u64,
}

/// The part of an account that decisions need.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The account's key. It is never reused, not even for a later account of the same user.
    pub key: String,
    /// The account as the module sees it.
    pub account: Account,
    /// The administrator's policy for its new tokens.
    pub policy: Policy,
}

/// An account to be added.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The account's key: 24 random hexadecimal digits. It stays the same in every copy and when the account is renamed.
    pub key: String,
    /// The account as the module sees it.
    pub account: Account,
    /// The administrator's policy for its new tokens.
    pub policy: Policy,
    /// The account's password hash, if it has a password.
    pub password: Option<PasswordHash>,
}

/// A password hash, as a string in the PHC format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a stored hash.
    #[must_use]
    pub fn new(text: String) -> PasswordHash {
        PasswordHash(text)
    }

    /// The text, for storing and comparing. Never display it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Hides the hash, because a password can be guessed from it.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Stores accounts. The store enforces that a user has one account.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Adds an account.
    async fn add_account(&self, account: &NewAccount, now: i64) -> Result<(), StoreError>;

    /// Returns a user's account, with the number of its tokens.
    async fn account(&self, user: &str) -> Result<Option<StoredAccount>, StoreError>;

    /// Returns a user's settings that decisions need. The cost does not grow with the number of tokens.
    async fn settings(&self, user: &str) -> Result<Option<Settings>, StoreError>;

    /// Returns all accounts, sorted by user.
    async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError>;

    /// Suspends or resumes an account.
    async fn set_suspended(&self, user: &str, suspended: bool) -> Result<(), StoreError>;

    /// Replaces the features of an account.
    async fn set_features(&self, user: &str, features: &Features) -> Result<(), StoreError>;

    /// Replaces an account's features if they still equal `was`; otherwise returns `false`.
    async fn replace_features(&self, user: &str, was: &Features, features: &Features) -> Result<bool, StoreError>;

    /// Replaces the policy for an account's new tokens.
    async fn set_policy(&self, user: &str, policy: &Policy) -> Result<(), StoreError>;

    /// Replaces an account's password.
    async fn set_password(&self, user: &str, password: &PasswordHash) -> Result<(), StoreError>;

    /// Returns the password hash of a user's account; `None` if it has none.
    async fn password(&self, user: &str) -> Result<Option<PasswordHash>, StoreError>;

    /// Grants or withdraws access to the administrator's page.
    async fn set_administrator(&self, user: &str, administrator: bool) -> Result<(), StoreError>;

    /// Renames an account. Its tokens are kept, and their records get the new user.
    async fn rename_account(&self, user: &str, new_user: &str) -> Result<(), StoreError>;

    /// Removes an account. `revoked` must contain all its live tokens as revoked records; otherwise the result is
    /// [`StoreError::Conflict`].
    async fn remove_account(&self, user: &str, revoked: &[Change], now: i64) -> Result<(), StoreError>;
}
