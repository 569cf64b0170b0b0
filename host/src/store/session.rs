//! Sessions of the web interface.

use std::fmt;

use async_trait::async_trait;

use super::error::StoreError;

/// A stored session. It ends when its account is removed, renamed or suspended, gets another password or loses its
/// administrator's access.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The hash of the session's id.
    pub key: String,
    /// The user.
    pub user: String,
    /// The session's data, as JSON.
    pub data: String,
    /// When the session ends, in Unix seconds.
    pub ends: i64,
}

/// Hides the key and the data, which form checks rely on.
impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession")
            .field("user", &self.user)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// Stores the sessions of the web interface and the forms that were used. None of this counts as a change.
#[async_trait]
pub trait SessionStore: Send + Sync {
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
}
