//! Storage of accounts and records.

mod account;
mod archive;
mod error;
mod migrate;
mod open;
mod page;
mod postgres;
mod queue;
mod revision;
mod rows;
mod sql;
mod sqlite;

use std::fmt;

use async_trait::async_trait;
use tokenlatch_core::{Caps, Features, Held, Policy, Record};

pub use account::{NewAccount, PasswordHash, Settings, StoredAccount};
pub use archive::{Archive, ArchivedAccount, ArchivedToken, Plan};
pub use error::{Engine, StoreError};
pub use open::open_store;
pub use page::{PageQuery, StoredSession, TokenKeys, TokenPage, Usage, UsageBatch};
pub use postgres::PostgresStore;
pub(crate) use revision::hour_before;
#[cfg(test)]
pub(crate) use revision::stamp;
pub use revision::{Changes, History, KEPT_REVOKED, Revision, RevisionStamp, Version};
pub use sqlite::SqliteStore;

/// A stored record and its revision.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// The record.
    pub record: Record,
    /// Increases with every change. A change must give the revision that it was made from.
    pub revision: i64,
}

impl AsRef<Record> for StoredToken {
    fn as_ref(&self) -> &Record {
        &self.record
    }
}

/// A changed record, with the revision that it was made from.
pub type Change = StoredToken;

/// Stores accounts and records. Each method is one transaction, and acknowledged changes survive a crash.
///
/// The store enforces the rules that concurrent callers must not break: one live name for each user, one record for each
/// hash (including revoked records), tokens only of existing accounts, and no change that undoes a revocation. It counts
/// every change, whichever process makes it. It contains no other token rules. Times are Unix seconds.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
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

    /// Adds a session. Returns `false` if the key is taken. [`StoreError::AccountUnknown`] if the user has no account that is
    /// active.
    async fn add_session(&self, session: &StoredSession) -> Result<bool, StoreError>;

    /// Returns the session with a key, ended or not.
    async fn session(&self, key: &str) -> Result<Option<StoredSession>, StoreError>;

    /// Replaces a session's data. Returns `false` if the session no longer exists.
    async fn change_session(&self, session: &StoredSession) -> Result<bool, StoreError>;

    /// Removes a session, if it is there.
    async fn remove_session(&self, key: &str) -> Result<(), StoreError>;

    /// Marks a form as used. Returns whether this was its first use. The caller must refuse forms after `ends`.
    async fn spend_form(&self, key: &str, ends: i64) -> Result<bool, StoreError>;

    /// Deletes sessions and forms that have ended.
    async fn prune_sessions(&self, now: i64) -> Result<(), StoreError>;

    /// Adds to the usage of tokens in one transaction. Unknown tokens are skipped. This does not count as a change.
    async fn add_usage(&self, usage: &[Usage]) -> Result<(), StoreError>;

    /// Adds the usage that a sender reports, once however often the report is sent. Returns `false` if this report or a later
    /// one of the same sender was added before.
    async fn add_usage_batch(&self, batch: &UsageBatch, usage: &[Usage]) -> Result<bool, StoreError>;

    /// Returns the keys of tokens, including revoked ones, whose id or hash is in `keys`.
    async fn token_keys(&self, keys: &[String]) -> Result<Vec<TokenKeys>, StoreError>;

    /// Returns the usage of these tokens. Tokens that were never used are left out.
    async fn usage(&self, ids: &[String]) -> Result<Vec<Usage>, StoreError>;

    /// Returns the current revision: one cheap read, on a connection reserved for it. The revision includes every change that was
    /// acknowledged before the call.
    async fn revision(&self) -> Result<Revision, StoreError>;

    /// Returns a stamp that equals an earlier one only if nothing was committed between the two. It costs about a
    /// microsecond. `None` if that is not possible so cheaply; use [`Store::revision`] then.
    fn stamp(&self) -> Option<RevisionStamp> {
        None
    }

    /// Returns the changes since a revision, as of one instant. Returns everything if `since` is `None` or belongs to another epoch
    /// or another history.
    async fn changes(&self, since: Option<Revision>) -> Result<Changes, StoreError>;

    /// Deletes a batch of tokens that were revoked before a time, in one transaction, and returns how many. This does not count
    /// as a change.
    async fn prune_tokens(&self, before: i64) -> Result<u64, StoreError>;

    /// Returns the revision of a version that an edge holds; [`History::Pruned`] or [`History::Lost`] if there is none.
    async fn find_version(&self, version: Version) -> Result<Result<Revision, History>, StoreError>;

    /// Returns the identifier of this database. Its copies have the same.
    async fn identity(&self) -> Result<String, StoreError>;

    /// Returns the kind of database.
    fn engine(&self) -> Engine;

    /// Checks whether a change would succeed now, as far as that is visible without making one.
    async fn writable(&self) -> Result<(), StoreError>;

    /// Moves all data into the main file if there are several. [`StoreError::Busy`] if another process reads or writes, and some
    /// data remains in the other files.
    async fn settle(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether servers on several machines may use the database.
    fn is_shared(&self) -> bool;

    /// Returns everything, as of one instant.
    async fn archive(&self) -> Result<Archive, StoreError>;

    /// Applies a plan completely or not at all, and begins a new epoch. [`StoreError::Conflict`] if anything has changed since
    /// the plan's revision.
    async fn apply(&self, plan: &Plan) -> Result<(), StoreError>;

    /// Begins an epoch after `known`. Returns `false` if the store's epoch is already later. If several servers call this for
    /// the same epoch, only one begins a new one.
    async fn begin_epoch(&self, known: i64) -> Result<bool, StoreError>;

    /// Checks for damage. Returns one sentence for each finding.
    async fn check(&self) -> Result<Vec<String>, StoreError>;

    /// Completes pending work and closes files and connections.
    async fn close(&self);
}
