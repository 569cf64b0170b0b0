//! What a connection of a kind of database provides.

use super::columns::Columns;
use super::statement::Statement;
use crate::store::archive::ArchivedToken;
use crate::store::error::StoreError;
use crate::store::record::Change;
use crate::store::usage::Usage;

/// A connection, inside or outside a transaction. The kinds of database write many rows in different ways.
pub(in crate::store) trait SqlConnection: Send {
    type Row: Columns + Send + Sync;

    /// Runs a statement and returns its rows.
    fn fetch(&mut self, statement: Statement) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Runs a statement and returns the number of changed rows.
    fn execute(&mut self, statement: Statement) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Replaces each record if it is still the one that the change was made from; otherwise [`StoreError::Conflict`].
    fn replace_records(&mut self, changes: &[Change]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds each token to the account with its key.
    fn add_records(&mut self, tokens: &[ArchivedToken]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds to the usage of the tokens that exist.
    fn count_usage(&mut self, usage: &[Usage]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Runs a statement that returns one row.
    fn fetch_one(&mut self, statement: Statement) -> impl Future<Output = Result<Self::Row, sqlx::Error>> + Send {
        async { first(self.fetch(statement).await?) }
    }
}

fn first<R>(rows: Vec<R>) -> Result<R, sqlx::Error> {
    rows.into_iter().next().ok_or(sqlx::Error::RowNotFound)
}
