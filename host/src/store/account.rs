//! Stored accounts.

use std::fmt;

use tokenlatch_core::{Account, Policy};

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
