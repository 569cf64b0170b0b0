//! What a kind of database provides, and the statements that are a transaction of their own.

use sqlx::pool::PoolConnection;

use super::columns::Columns;
use super::connection::SqlConnection;
use super::dialect::Dialect;
use super::statement::Statement;
use crate::store::error::StoreError;
use crate::store::revision::{Revision, RevisionStamp};

/// How long an operation may take. Operations on a file are not limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Patience {
    /// As long as a request waits for an answer.
    Request,
    /// As long as reading or writing everything takes.
    Everything,
}

/// A row of a store.
type RowOf<S> = <<<S as SqlStore>::Sqlx as sqlx::Database>::Connection as SqlConnection>::Row;

/// A transaction of a store. It is rolled back if it is dropped.
type TransactionOf<S> = sqlx::Transaction<'static, <S as SqlStore>::Sqlx>;

/// A store in a SQL database.
pub(in crate::store) trait SqlStore: Send + Sync {
    type Sqlx: sqlx::Database<Connection: SqlConnection>;
    const DIALECT: Dialect;

    /// Acquires a connection of the pool.
    fn connection(&self) -> impl Future<Output = Result<PoolConnection<Self::Sqlx>, StoreError>> + Send;

    /// Begins a transaction that sees the database as of its first read.
    fn begin_read(&self) -> impl Future<Output = Result<TransactionOf<Self>, StoreError>> + Send;

    /// Begins a transaction that waits until no other change runs.
    fn begin_change(&self, patience: Patience) -> impl Future<Output = Result<TransactionOf<Self>, StoreError>> + Send;

    /// Begins a transaction that writes and does not count as a change.
    fn begin_write(&self) -> impl Future<Output = Result<TransactionOf<Self>, StoreError>> + Send;

    /// Runs a read when it is its turn.
    fn reading<T: Send>(
        &self,
        patience: Patience,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Runs a write when it is its turn.
    fn writing<T: Send>(
        &self,
        patience: Patience,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Checks that the tables are complete, before all of their rows are read.
    fn require_complete(transaction: &mut TransactionOf<Self>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// See [`crate::store::ChangeStore::revision`].
    fn current_revision(&self) -> impl Future<Output = Result<Revision, StoreError>> + Send;

    /// See [`crate::store::ChangeStore::stamp`].
    fn current_stamp(&self) -> Option<RevisionStamp>;

    /// Runs a statement that reads.
    fn fetch(&self, statement: Statement) -> impl Future<Output = Result<Vec<RowOf<Self>>, StoreError>> + Send {
        self.reading(Patience::Request, async {
            Ok(self.connection().await?.fetch(statement).await?)
        })
    }

    /// Runs a statement that reads, and returns its first row.
    fn fetch_first(
        &self,
        statement: Statement,
    ) -> impl Future<Output = Result<Option<RowOf<Self>>, StoreError>> + Send {
        async { Ok(self.fetch(statement).await?.into_iter().next()) }
    }

    /// Runs a statement that counts as a change if it changes a row. Returns the number of rows.
    fn change(&self, statement: Statement) -> impl Future<Output = Result<u64, StoreError>> + Send {
        self.writing(Patience::Request, async {
            let mut transaction = self.begin_change(Patience::Request).await?;
            let rows = transaction.execute(statement).await?;
            if rows > 0 {
                transaction.commit().await?;
            }
            Ok(rows)
        })
    }

    /// Runs a statement that writes and does not count as a change. Returns the number of rows.
    fn write(&self, statement: Statement) -> impl Future<Output = Result<u64, StoreError>> + Send {
        self.writing(Patience::Request, async {
            Ok(self.connection().await?.execute(statement).await?)
        })
    }

    /// See [`crate::store::Store::identity`].
    fn read_identity(&self) -> impl Future<Output = Result<String, StoreError>> + Send {
        self.reading(Patience::Request, async {
            let statement = Statement::new("SELECT id FROM identity");
            self.connection().await?.fetch_one(statement).await?.text("id")
        })
    }
}
