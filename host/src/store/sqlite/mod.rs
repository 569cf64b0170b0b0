//! The store in one SQLite file.

mod connection;
mod file_identity;
mod open;
mod schema;
mod wal_index;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool};
use sqlx::{ConnectOptions, Connection, Sqlite, Transaction};
use tokio::sync::Mutex;

use super::composed::Store;
use super::error::{Engine, StoreError};
use super::queue::Queue;
use super::revision::{Revision, RevisionStamp};
use super::sql::{Dialect, Patience, STATE, SqlStore, read_revision};
use file_identity::FileIdentity;
use wal_index::WalIndex;

/// Stores accounts and records in one SQLite file, in WAL mode. Every change is on disk before it is acknowledged.
#[derive(Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
    options: SqliteConnectOptions,
    /// Reserved for revisions, so that they never wait for a connection of the pool.
    revisions: Mutex<Option<SqliteConnection>>,
    writers: Queue,
    index: WalIndex,
    file: FileIdentity,
}

impl SqliteStore {
    /// Opens a database: a path, or `sqlite:PATH` with SQLite's own options (`?mode=ro`). `create` creates a missing file,
    /// readable only by its owner.
    ///
    /// # Errors
    /// [`StoreError::Missing`] without `create`; [`StoreError::Foreign`], [`StoreError::SchemaNewer`],
    /// [`StoreError::Corrupt`] for a file that cannot be used; [`StoreError::Unsupported`] for another kind of database.
    pub async fn open(address: &str, create: bool) -> Result<SqliteStore, StoreError> {
        let (options, pool) = open::pool(address, create).await?;
        let mut connection = pool.acquire().await?;
        if !schema::prepare(&mut connection, create).await? {
            return Err(StoreError::Missing(address.to_owned()));
        }
        drop(connection);
        let index = WalIndex::of(options.get_filename());
        let file = FileIdentity::of(options.get_filename(), open::is_read_only(address));
        Ok(SqliteStore {
            pool,
            options,
            index,
            file,
            revisions: Mutex::new(None),
            writers: Queue::new(1),
        })
    }

    /// Returns the pool if the opened file is still the one at the database's path.
    fn pool(&self) -> Result<&SqlitePool, StoreError> {
        self.file.check()?;
        Ok(&self.pool)
    }
}

impl SqlStore for SqliteStore {
    type Sqlx = Sqlite;
    const DIALECT: Dialect = Dialect::Sqlite;

    async fn connection(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.pool()?.acquire().await?)
    }

    async fn begin_read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool()?.begin().await?)
    }

    async fn begin_change(&self, _: Patience) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.begin_write().await
    }

    /// Takes the write lock at once, so that the transaction never fails because of an earlier read.
    async fn begin_write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool()?.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn reading<T: Send>(
        &self,
        _: Patience,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        work.await
    }

    async fn writing<T: Send>(
        &self,
        _: Patience,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let _turn = self.writers.turn().await?;
        work.await
    }

    /// A file is complete once it has been opened.
    async fn require_complete(_: &mut Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn current_revision(&self) -> Result<Revision, StoreError> {
        if self.pool.is_closed() {
            return Err(sqlx::Error::PoolClosed.into());
        }
        self.file.check()?;
        let mut kept = self.revisions.lock().await;
        // Taken out while in use: a cancelled call leaves no connection in an unknown state.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let row = sqlx::query(STATE).fetch_one(&mut connection).await?;
        *kept = Some(connection);
        read_revision(&row)
    }

    fn current_stamp(&self) -> Option<RevisionStamp> {
        if self.pool.is_closed() || self.file.check().is_err() {
            None
        } else {
            self.index.stamp()
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn identity(&self) -> Result<String, StoreError> {
        self.read_identity().await
    }

    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    async fn writable(&self) -> Result<(), StoreError> {
        self.file.check()?;
        self.file.writable()
    }

    async fn settle(&self) -> Result<(), StoreError> {
        let _turn = self.writers.turn().await?;
        // The pragma always returns a row; its first column is whether another connection blocked it.
        let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(self.pool()?)
            .await?;
        if busy == 0 { Ok(()) } else { Err(StoreError::Busy) }
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut connection = self.pool()?.acquire().await?;
        schema::check(&mut connection).await
    }

    async fn close(&self) {
        if let Some(connection) = self.revisions.lock().await.take() {
            // Closing a read-only connection has no pending work that could be lost.
            let _ = connection.close().await;
        }
        self.pool.close().await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use sqlx::{AssertSqlSafe, Row};

    use super::super::sql::{End, kinds};
    use super::*;

    #[tokio::test]
    async fn page_queries_use_an_index_without_sorting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.db");
        let store = SqliteStore::open(file.to_str().unwrap(), true).await.unwrap();
        let plan = async |statement: String| -> String {
            let steps = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                .fetch_all(&store.pool)
                .await
                .unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            steps.join("\n")
        };
        for query in kinds() {
            for end in [End::First, End::Last] {
                let numbers = plan(query.numbers(end, Dialect::Sqlite)).await;
                assert!(numbers.contains("USING INDEX tokens_by_"), "{query:?}: {numbers}");
                assert!(
                    !numbers.contains("TEMP B-TREE") && !numbers.contains("SCAN"),
                    "{query:?}, {end:?}: {numbers}"
                );
            }
            let count = plan(query.count(Dialect::Sqlite)).await;
            assert!(count.contains("SEARCH c USING PRIMARY KEY"), "{query:?}: {count}");
            assert!(!count.contains("tokens_"), "{query:?}: {count}");
        }
    }
}
