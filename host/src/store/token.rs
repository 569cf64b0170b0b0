//! The contract for tokens.

use async_trait::async_trait;
use tokenlatch_core::{Caps, Held, Record};

use super::error::StoreError;
use super::record::{Change, StoredToken};
use super::token_page::{PageQuery, TokenPage};

/// Stores tokens.
///
/// The store enforces one live name for each user, one record for each hash (including revoked records), tokens only of
/// existing accounts, and no change that undoes a revocation.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Counts what the caps limit: a user's tokens that are not revoked, and those created since `since`, up to `most`. `None`
    /// if the user has no account.
    async fn held(&self, user: &str, since: i64, most: i64) -> Result<Option<Held>, StoreError>;

    /// Adds the record of a new token to its user's account. `account` is the key of the account that the decision was made
    /// for: [`StoreError::AccountUnknown`] if another account has the user's name by now. [`StoreError::Conflict`] if other
    /// tokens have reached the caps in the meantime.
    async fn add_token(&self, record: &Record, account: Option<&str>, caps: Caps) -> Result<(), StoreError>;

    /// Returns all tokens of a user's account, including revoked ones, oldest first.
    async fn tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError>;

    /// Returns the tokens of a user's account that are not revoked.
    async fn live_tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError>;

    /// Returns a user's live tokens that have one of these names. The cost does not grow with the number of tokens.
    async fn tokens_named(&self, user: &str, names: &[String]) -> Result<Vec<StoredToken>, StoreError>;

    /// Returns the record with any of these hashes, revoked or not.
    async fn token_by_hashes(&self, hashes: &[String]) -> Result<Option<Record>, StoreError>;

    /// Replaces all of these records or none. [`StoreError::Conflict`] if one has changed since it was read.
    async fn change_tokens(&self, changes: &[Change]) -> Result<(), StoreError>;

    /// Returns a page of a user's live tokens, in the order of the module's `list`. The cost does not grow with the number of
    /// tokens, unless the query searches names.
    async fn tokens_page(&self, user: &str, query: &PageQuery) -> Result<TokenPage, StoreError>;

    /// Returns a user's live tokens that have one of these ids.
    async fn tokens_with_ids(&self, user: &str, ids: &[String]) -> Result<Vec<StoredToken>, StoreError>;

    /// Deletes a batch of tokens that were revoked before a time, in one transaction, and returns how many. This does not count
    /// as a change.
    async fn prune_tokens(&self, before: i64) -> Result<u64, StoreError>;
}

/// Returns the time one hour before `now`; tokens created since then count against the hourly cap.
pub(crate) fn hour_before(now: i64) -> i64 {
    now.saturating_sub(3_600)
}
