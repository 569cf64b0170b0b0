//! The complete content of a store, and the changes that a restore makes.

use async_trait::async_trait;

use super::account::NewAccount;
use super::error::StoreError;
use super::record::{Change, StoredToken};
use super::revision::Revision;

/// All accounts and tokens of a store, read at one instant.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The store's revision.
    pub revision: Revision,
    /// Tokens revoked before this time, in Unix seconds, may be missing.
    pub pruned: i64,
    /// The accounts, including removed ones, in the order in which they were added.
    pub accounts: Vec<ArchivedAccount>,
    /// The tokens, including revoked ones, oldest first.
    pub tokens: Vec<ArchivedToken>,
}

/// An account, removed or not.
#[derive(Clone, Debug)]
pub struct ArchivedAccount {
    /// The account.
    pub account: NewAccount,
    /// When it was added, in Unix seconds.
    pub created: i64,
    /// When it was removed, in Unix seconds.
    pub removed: Option<i64>,
}

/// A token and the key of its account.
#[derive(Clone, Debug)]
pub struct ArchivedToken {
    /// The account's key.
    pub account: String,
    /// The token.
    pub token: StoredToken,
}

/// The changes of a restore, made in one transaction.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The store's revision when the plan was made.
    pub since: Revision,
    /// Tokens revoked before this time, in Unix seconds, may be missing afterwards.
    pub pruned: i64,
    /// Tokens to replace before anything is added.
    pub changes: Vec<Change>,
    /// Accounts to add.
    pub accounts: Vec<ArchivedAccount>,
    /// Tokens to add, after the accounts.
    pub tokens: Vec<ArchivedToken>,
}

/// Reads and restores the complete content.
#[async_trait]
pub trait ArchiveStore: Send + Sync {
    /// Returns everything, as of one instant.
    async fn archive(&self) -> Result<Archive, StoreError>;

    /// Applies a plan completely or not at all, and begins a new epoch. [`StoreError::Conflict`] if anything has changed since
    /// the plan's revision.
    async fn apply(&self, plan: &Plan) -> Result<(), StoreError>;
}
