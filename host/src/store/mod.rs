//! Storage of accounts and records.
//!
//! - The contract: one trait for each noun beside its types ([`AccountStore`], [`TokenStore`], [`SessionStore`],
//!   [`UsageStore`], [`ArchiveStore`], [`ChangeStore`]), and [`Store`], which has them all.
//! - `sql` implements it once, over what [`SqliteStore`] and [`PostgresStore`] provide.

mod account;
mod archive;
mod changes;
mod composed;
mod database_url;
mod error;
mod migrate;
mod open;
mod postgres;
mod queue;
mod record;
mod revision;
mod session;
mod sql;
mod sqlite;
mod token;
mod token_page;
mod usage;

pub use account::{AccountStore, NewAccount, PasswordHash, Settings, StoredAccount};
pub use archive::{Archive, ArchiveStore, ArchivedAccount, ArchivedToken, Plan};
pub use changes::{ChangeStore, Changes, KEPT_REVOKED};
pub use composed::Store;
pub use error::{Engine, StoreError};
pub use open::open_store;
pub use postgres::PostgresStore;
pub use record::{Change, StoredToken};
#[cfg(test)]
pub(crate) use revision::stamp;
pub use revision::{History, Revision, RevisionStamp, Version};
pub use session::{SessionStore, StoredSession};
pub use sqlite::SqliteStore;
pub use token::TokenStore;
pub(crate) use token::hour_before;
pub use token_page::{PageQuery, TokenPage};
pub use usage::{TokenKeys, Usage, UsageBatch, UsageStore};
