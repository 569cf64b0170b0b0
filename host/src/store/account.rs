//! Accounts as they are stored.

use std::fmt;

use tokenlatch_core::{Account, Policy};

/// An account as it is stored.
#[derive(Clone, Debug)]
pub struct StoredAccount {
    /// What the module is told of the account.
    pub account: Account,
    /// What the administrator demands of its new tokens.
    pub policy: Policy,
    /// Whether it has a password.
    pub has_password: bool,
    /// When it was added, in Unix seconds.
    pub created: i64,
    /// How many tokens of it are not revoked.
    pub live_tokens: u64,
}

/// What decisions need of an account.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The account's key, which no other account has, not even a later one of the same user.
    pub key: String,
    /// What the module is told of the account.
    pub account: Account,
    /// What the administrator demands of its new tokens.
    pub policy: Policy,
}

/// An account to be added.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The same in every copy of the account, whatever its name becomes: 24 hexadecimal digits, drawn at random.
    pub key: String,
    /// What the module is told of the account.
    pub account: Account,
    /// What the administrator demands of its new tokens.
    pub policy: Policy,
    /// Its password, where it has one.
    pub password: Option<PasswordHash>,
}

/// The hash of a password, as a string of the Password Hashing Competition.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash that was stored.
    #[must_use]
    pub fn new(text: String) -> PasswordHash {
        PasswordHash(text)
    }

    /// The text, to be stored or compared with and never to be shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Without the hash: it can be guessed at by trying passwords.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
