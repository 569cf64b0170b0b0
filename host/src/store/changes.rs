//! The changes since a revision.

use async_trait::async_trait;
use tokenlatch_core::{Account, Record};

use super::error::StoreError;
use super::revision::{History, Revision, RevisionStamp, Version};

/// How many revoked tokens a full load includes, so that readers can tell them from unknown ones. Both are refused.
pub const KEPT_REVOKED: usize = 10_000;

/// The changes since a revision.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The revision after these changes.
    pub revision: Revision,
    /// Whether this is everything and replaces all earlier data.
    pub whole: bool,
    /// Whether the given revision belongs to this database.
    pub history: History,
    /// The accounts, without removed ones.
    pub accounts: Vec<Account>,
    /// The changed records, including revoked ones. If this is everything: first the [`KEPT_REVOKED`] most recently revoked
    /// records, in the order of their revocation, then those that are not revoked, oldest first.
    pub records: Vec<Record>,
}

/// Reports changes of accounts and tokens to readers that keep a copy. It counts every change, whichever process makes it.
#[async_trait]
pub trait ChangeStore: Send + Sync {
    /// Returns the current revision: one cheap read, on a connection reserved for it. The revision includes every change that was
    /// acknowledged before the call.
    async fn revision(&self) -> Result<Revision, StoreError>;

    /// Returns a stamp that equals an earlier one only if nothing was committed between the two. It costs about a
    /// microsecond. `None` if that is not possible so cheaply; use [`ChangeStore::revision`] then.
    fn stamp(&self) -> Option<RevisionStamp>;

    /// Returns the changes since a revision, as of one instant. Returns everything if `since` is `None` or belongs to another epoch
    /// or another history.
    async fn changes(&self, since: Option<Revision>) -> Result<Changes, StoreError>;

    /// Returns the revision of a version that an edge holds; otherwise [`History::Pruned`] or [`History::Lost`].
    async fn find_version(&self, version: Version) -> Result<Result<Revision, History>, StoreError>;

    /// Begins an epoch after `known`. Returns `false` if the store's epoch is already later. If several servers call this for
    /// the same epoch, only one begins a new one.
    async fn begin_epoch(&self, known: i64) -> Result<bool, StoreError>;
}
