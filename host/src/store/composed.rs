//! The contract for a store: one trait for each noun, and what concerns the database itself.

use std::fmt;

use async_trait::async_trait;

use super::account::AccountStore;
use super::archive::ArchiveStore;
use super::changes::ChangeStore;
use super::error::{Engine, StoreError};
use super::session::SessionStore;
use super::token::TokenStore;
use super::usage::UsageStore;

/// Stores accounts and records. Each method is one transaction, and acknowledged changes survive a crash.
///
/// The store enforces the rules that concurrent callers must not break. It contains no other token rules. Times are Unix
/// seconds.
///
/// The methods are divided among the traits by noun. `dyn Store` has them all; on a concrete type, a method is called with
/// its trait in scope.
#[async_trait]
pub trait Store:
    AccountStore + TokenStore + SessionStore + UsageStore + ArchiveStore + ChangeStore + fmt::Debug + Send + Sync
{
    /// Returns the identifier of this database. Its copies have the same.
    async fn identity(&self) -> Result<String, StoreError>;

    /// Returns the kind of database.
    fn engine(&self) -> Engine;

    /// Whether servers on several machines may use the database.
    fn is_shared(&self) -> bool;

    /// Checks whether a change would succeed now, as far as that is visible without making one.
    async fn writable(&self) -> Result<(), StoreError>;

    /// Moves all data into the main file if there are several. [`StoreError::Busy`] if another process reads or writes, and some
    /// data remains in the other files.
    async fn settle(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Checks for damage. Returns one sentence for each finding.
    async fn check(&self) -> Result<Vec<String>, StoreError>;

    /// Completes pending work and closes files and connections.
    async fn close(&self);
}
