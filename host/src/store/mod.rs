//! Where accounts and records rest.

mod account;
mod archive;
mod error;
mod mark;
mod migrate;
mod open;
mod page;
mod postgres;
mod queue;
mod rows;
mod sql;
mod sqlite;

use std::fmt;

use async_trait::async_trait;
use tokenlatch_core::{Caps, Features, Held, Policy, Record};

pub use account::{NewAccount, PasswordHash, Settings, StoredAccount};
pub use archive::{Archive, ArchivedAccount, ArchivedToken, Plan};
pub use error::{Engine, StoreError};
pub(crate) use mark::hour_before;
#[cfg(test)]
pub(crate) use mark::stamp;
pub use mark::{Changes, History, KEPT_REVOKED, Mark, Stamp, Version};
pub use open::open_store;
pub use page::{PageQuery, StoredSession, TokenKeys, TokenPage, Usage, UsageBatch};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// A record as it is stored.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// The record.
    pub record: Record,
    /// Rises with every change; a change must name the one that it was made from.
    pub revision: i64,
}

impl AsRef<Record> for StoredToken {
    fn as_ref(&self) -> &Record {
        &self.record
    }
}

/// A changed record, and the revision of the one it was made from.
pub type Change = StoredToken;

/// Keeps accounts and records. Each function is one step that happens wholly or not at all, and what it has
/// acknowledged survives a crash.
///
/// The store enforces what must never be raced: one live name for each user, one record for each hash (also among
/// revoked ones), tokens only of accounts that exist, and a revocation that no later change undoes. It counts every
/// change, whoever makes it. It knows no rule of tokens besides these.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Adds an account.
    async fn add_account(&self, account: &NewAccount, now: i64) -> Result<(), StoreError>;

    /// The account of a user, if there is one, with the number of its tokens.
    async fn account(&self, user: &str) -> Result<Option<StoredAccount>, StoreError>;

    /// What a decision needs of a user's account. It takes no longer where the user has many tokens.
    async fn settings(&self, user: &str) -> Result<Option<Settings>, StoreError>;

    /// Every account, by user.
    async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError>;

    /// Suspends an account or lets it work again.
    async fn set_suspended(&self, user: &str, suspended: bool) -> Result<(), StoreError>;

    /// Replaces the features of an account.
    async fn set_features(&self, user: &str, features: &Features) -> Result<(), StoreError>;

    /// Replaces the features of an account as long as they are what they were. `false`: they are not.
    async fn replace_features(&self, user: &str, was: &Features, features: &Features) -> Result<bool, StoreError>;

    /// Replaces what is demanded of an account's new tokens.
    async fn set_policy(&self, user: &str, policy: &Policy) -> Result<(), StoreError>;

    /// Replaces the password of an account.
    async fn set_password(&self, user: &str, password: &PasswordHash) -> Result<(), StoreError>;

    /// The password of a user's account, where there is one.
    async fn password(&self, user: &str) -> Result<Option<PasswordHash>, StoreError>;

    /// Lets an account use the administrator's page, or no more.
    async fn set_administrator(&self, user: &str, administrator: bool) -> Result<(), StoreError>;

    /// Gives an account another name. Its tokens stay, and their records name the new user.
    async fn rename_account(&self, user: &str, new_user: &str) -> Result<(), StoreError>;

    /// Removes an account. `revoked` must be all its live tokens as revoked records, else it is
    /// [`StoreError::Conflict`].
    async fn remove_account(&self, user: &str, revoked: &[Change], now: i64) -> Result<(), StoreError>;

    /// What a user has of what is capped: tokens that are not revoked, and those created since a time, counted up to
    /// `most`. `None` without an account.
    async fn held(&self, user: &str, since: i64, most: i64) -> Result<Option<Held>, StoreError>;

    /// Adds the record of a new token to its user's account. With `account`, the key of the account that the decision was
    /// made from, it is [`StoreError::AccountUnknown`] when another account has the user's name by now.
    /// [`StoreError::Conflict`] when the caps leave no room for it, because others were added meanwhile.
    async fn add_token(&self, record: &Record, account: Option<&str>, caps: Caps) -> Result<(), StoreError>;

    /// All tokens of a user's account, revoked ones too, in the order of their creation.
    async fn tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError>;

    /// The tokens of a user's account that are not revoked.
    async fn live_tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError>;

    /// Those of a user's live tokens that have one of these names. It takes no longer where the user has many tokens.
    async fn tokens_named(&self, user: &str, names: &[String]) -> Result<Vec<StoredToken>, StoreError>;

    /// The record with any of these hashes, whether it is revoked or not.
    async fn token_by_hashes(&self, hashes: &[String]) -> Result<Option<Record>, StoreError>;

    /// Replaces records, all or none. [`StoreError::Conflict`] when one has changed since it was read.
    async fn change_tokens(&self, changes: &[Change]) -> Result<(), StoreError>;

    /// A part of a user's live tokens, in the order of the module's `list`. It takes no longer where the user has many
    /// tokens, unless a part of the name is looked for.
    async fn tokens_page(&self, user: &str, query: &PageQuery) -> Result<TokenPage, StoreError>;

    /// Those of a user's live tokens that have one of these ids.
    async fn tokens_with_ids(&self, user: &str, ids: &[String]) -> Result<Vec<StoredToken>, StoreError>;

    /// Adds a person's session. `false`: there is one with this key. [`StoreError::AccountUnknown`] when the user has
    /// no account that works.
    async fn add_session(&self, session: &StoredSession) -> Result<bool, StoreError>;

    /// The session with a key, whether it has ended or not.
    async fn session(&self, key: &str) -> Result<Option<StoredSession>, StoreError>;

    /// Replaces what belongs to a session. `false`: it is gone, and stays so.
    async fn change_session(&self, session: &StoredSession) -> Result<bool, StoreError>;

    /// Removes a session, if it is there.
    async fn remove_session(&self, key: &str) -> Result<(), StoreError>;

    /// Whether this is the first time that a form is sent. What is asked of it after `ends` is the caller's to refuse.
    async fn spend_form(&self, key: &str, ends: i64) -> Result<bool, StoreError>;

    /// Removes sessions and forms that have ended.
    async fn tidy_page(&self, now: i64) -> Result<(), StoreError>;

    /// Adds to how tokens were used, in one step; what is said of tokens that there are not is left out. This is no
    /// change that is counted.
    async fn add_usage(&self, usage: &[Usage]) -> Result<(), StoreError>;

    /// Adds what somebody else reports of how tokens were used, once however often it is sent. `false`: this report, or a
    /// later one of the same sender, was added before.
    async fn add_usage_batch(&self, batch: &UsageBatch, usage: &[Usage]) -> Result<bool, StoreError>;

    /// Those tokens, revoked ones too, whose id or hash is among the keys.
    async fn token_keys(&self, keys: &[String]) -> Result<Vec<TokenKeys>, StoreError>;

    /// How tokens were used; those that were never used are left out.
    async fn usage(&self, ids: &[String]) -> Result<Vec<Usage>, StoreError>;

    /// Where the data stands: one cheap read, on a connection kept for it. Whatever was acknowledged before this was
    /// called is counted in the answer.
    async fn mark(&self) -> Result<Mark, StoreError>;

    /// A token that is equal to an earlier one only if nothing was committed between the two. It costs about a microsecond;
    /// `None` where that cannot be had so cheaply, and then [`Store::mark`] tells.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// What has changed since a mark, read at one instant. Everything, where no mark is given, or one of another epoch or
    /// another history.
    async fn changes(&self, since: Option<Mark>) -> Result<Changes, StoreError>;

    /// Removes tokens for good that were revoked before a time, a number of them in one step, and returns how many. This
    /// is no change that is counted.
    async fn prune_tokens(&self, before: i64) -> Result<u64, StoreError>;

    /// The mark that an edge holds as a version; [`History::Pruned`] or [`History::Lost`] where there is none.
    async fn find_version(&self, version: Version) -> Result<Result<Mark, History>, StoreError>;

    /// What tells this database from any other: the same in its copies.
    async fn identity(&self) -> Result<String, StoreError>;

    /// The kind of database.
    fn engine(&self) -> Engine;

    /// Whether a change could be made now, as far as that can be seen without one.
    async fn writable(&self) -> Result<(), StoreError>;

    /// Moves everything into the main file, where there are several. [`StoreError::Busy`]: another process reads or writes, and
    /// a part is still in the other files.
    async fn settle(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether servers on several machines may be at work on it.
    fn is_shared(&self) -> bool;

    /// All there is, read at one instant.
    async fn archive(&self) -> Result<Archive, StoreError>;

    /// Adds and changes what a plan says, all or nothing, and begins another epoch. [`StoreError::Conflict`] when
    /// anything has changed since the mark that the plan was made at.
    async fn apply(&self, plan: &Plan) -> Result<(), StoreError>;

    /// Begins an epoch after `known`, unless the store's is after it already. `false`: it is. However many servers call this
    /// for one epoch, one begins.
    async fn begin_epoch(&self, known: i64) -> Result<bool, StoreError>;

    /// Looks for damage. Each finding is a sentence; none is a sound store.
    async fn check(&self) -> Result<Vec<String>, StoreError>;

    /// Finishes what is under way and lets go of the files and connections.
    async fn close(&self);
}
