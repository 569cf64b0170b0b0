//! Where accounts and records rest.

mod error;
mod schema;
mod sqlite;

use std::fmt;

use async_trait::async_trait;
use tokenlatch_core::{Account, Features, Record};

pub use error::StoreError;
pub use sqlite::SqliteStore;

/// An account as it is stored.
#[derive(Clone, Debug)]
pub struct StoredAccount {
    /// What the module is told of the account.
    pub account: Account,
    /// When it was added, in Unix seconds.
    pub created: i64,
    /// How many tokens of it are not revoked.
    pub live_tokens: u64,
}

/// A record as it is stored.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// The record.
    pub record: Record,
    /// Rises with every change; a change must name the one that it was made from.
    pub revision: i64,
}

/// A changed record, and the revision of the one it was made from.
pub type Change = StoredToken;

/// Keeps accounts and records. Each function is one step that happens wholly or not at all, and what it has
/// acknowledged survives a crash.
///
/// The store enforces what must never be raced: one live name for each user, one record for each hash (also among
/// revoked ones), tokens only of accounts that exist, and a revocation that no later change undoes. It knows no rule of
/// tokens besides these.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Adds an account.
    async fn add_account(&self, account: &Account, now: i64) -> Result<(), StoreError>;

    /// The account of a user, if there is one.
    async fn account(&self, user: &str) -> Result<Option<StoredAccount>, StoreError>;

    /// Every account, by user.
    async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError>;

    /// Suspends an account or lets it work again.
    async fn set_suspended(&self, user: &str, suspended: bool) -> Result<(), StoreError>;

    /// Replaces the features of an account.
    async fn set_features(&self, user: &str, features: &Features) -> Result<(), StoreError>;

    /// Removes an account. `revoked` must be all its live tokens as revoked records, else it is
    /// [`StoreError::Conflict`].
    async fn remove_account(&self, user: &str, revoked: &[Change], now: i64) -> Result<(), StoreError>;

    /// Adds the record of a new token.
    async fn add_token(&self, record: &Record) -> Result<(), StoreError>;

    /// All tokens of a user's account, revoked ones too.
    async fn tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError>;

    /// The record with any of these hashes, whether it is revoked or not.
    async fn token_by_hashes(&self, hashes: &[String]) -> Result<Option<Record>, StoreError>;

    /// Replaces records, all or none. [`StoreError::Conflict`] when one has changed since it was read.
    async fn change_tokens(&self, changes: &[Change]) -> Result<(), StoreError>;

    /// Finishes what is under way and lets go of the files.
    async fn close(&self);
}
