//! The one implementation of the contract over SQL, for every [`store::SqlStore`].
//!
//! - [`store::SqlStore`] and [`connection::SqlConnection`] are what a kind of database provides.
//! - [`dialect::Dialect`] has the SQL that the kinds write differently. Both accept `$1`.
//! - Each other file has the statements, the rows and the trait of its noun. `token_page` and `prune` are parts of `tokens`.

mod accounts;
mod archive;
mod changes;
mod check;
mod columns;
mod connection;
mod dialect;
mod prune;
mod records;
mod sessions;
mod statement;
mod store;
mod token_page;
mod tokens;
mod usage;

pub(super) use changes::{STATE, read_revision};
pub(super) use check::check_rows;
pub(super) use connection::SqlConnection;
pub(super) use dialect::Dialect;
pub(super) use statement::{Statement, Value, to_json};
pub(super) use store::{Patience, SqlStore};
#[cfg(test)]
pub(super) use token_page::{End, kinds};
pub(super) use usage::{MOST_USES, to_count};
