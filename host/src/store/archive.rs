//! Everything that a store holds, and what a restore changes in it.

use super::account::NewAccount;
use super::mark::Mark;
use super::{Change, StoredToken};

/// All accounts and tokens of a store, read at one instant.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Where the store stood.
    pub mark: Mark,
    /// Tokens revoked before this time may be missing.
    pub pruned: i64,
    /// The accounts, removed ones too, in the order of their addition.
    pub accounts: Vec<ArchivedAccount>,
    /// The tokens, revoked ones too, in the order of their creation.
    pub tokens: Vec<ArchivedToken>,
}

/// An account, removed or not.
#[derive(Clone, Debug)]
pub struct ArchivedAccount {
    /// The account.
    pub account: NewAccount,
    /// When it was added, in Unix seconds.
    pub created: i64,
    /// When it was removed.
    pub removed: Option<i64>,
}

/// A token, and the key of the account that it belongs to.
#[derive(Clone, Debug)]
pub struct ArchivedToken {
    /// The account's key.
    pub account: String,
    /// The token.
    pub token: StoredToken,
}

/// What a restore changes, all in one step.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the store stood when the plan was made.
    pub since: Mark,
    /// Tokens revoked before this time may be missing afterwards.
    pub pruned: i64,
    /// Tokens to replace, before anything is added.
    pub changes: Vec<Change>,
    /// Accounts to add.
    pub accounts: Vec<ArchivedAccount>,
    /// Tokens to add, after the accounts.
    pub tokens: Vec<ArchivedToken>,
}
