//! The store in a PostgreSQL database, which several servers may share.

mod connection;
mod open;
mod schema;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{Connection, Postgres, Row, Transaction};
use tokio::sync::Mutex;

use super::composed::Store;
use super::error::{Engine, StoreError};
use super::queue::Queue;
use super::revision::{Revision, RevisionStamp};
use super::sql::{Dialect, Patience, STATE, SqlStore, read_revision};

/// How long a request waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long reading or writing everything may take.
const LONG_PATIENCE: Duration = Duration::from_secs(600);

/// How long reading the revision may take: it precedes every verification.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// The number of connections for writers: while one commits, the next is ready.
const WRITERS: usize = 4;

/// The number of other connections of a process.
const READERS: usize = 12;

const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Locks the one row that every writer holds until its commit. So revisions become visible in order, and writers never
/// deadlock. It is a separate statement: one that fails together with `BEGIN` would leave the connection in an open
/// transaction.
const TURN: &str = "SELECT 1 FROM state FOR UPDATE";

/// Begins a transaction that sees the database as of its first read.
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '10min'";

/// Accounts and records in a PostgreSQL database, in a schema named `tokenlatch`.
pub struct PostgresStore {
    pool: PgPool,
    options: PgConnectOptions,
    /// Reserved for revisions, so that they never wait for a connection of the pool.
    revisions: Mutex<Option<PgConnection>>,
    readers: Queue,
    writers: Queue,
    fault: open::Fault,
}

/// Hides the address, which may contain a password.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens a database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. `create` creates the tables if they are missing.
    ///
    /// # Errors
    /// [`StoreError::Missing`] without `create`; [`StoreError::Unreachable`], [`StoreError::Unopenable`],
    /// [`StoreError::Foreign`], [`StoreError::SchemaNewer`]. No error contains the address.
    pub async fn open(address: &str, create: bool) -> Result<PostgresStore, StoreError> {
        let options = open::options(address)?;
        let mut connection = open::connect(&options).await?;
        schema::prepare(&mut connection, create).await?;
        connection.close().await?;
        let fault = open::Fault::default();
        Ok(PostgresStore {
            pool: open::pool(&options, Arc::clone(&fault)),
            fault,
            options,
            revisions: Mutex::new(None),
            readers: Queue::new(READERS),
            writers: Queue::new(WRITERS),
        })
    }

    /// Begins a transaction on a connection of the pool.
    async fn begin(&self, statement: &'static str) -> Result<Transaction<'static, Postgres>, StoreError> {
        let asked = Instant::now();
        let transaction = self.pool.begin_with(statement).await;
        transaction.map_err(|error| self.unconnected(error, asked))
    }

    /// Returns why no connection is available. The pool only reports a timeout; the errors of its attempts since then are more
    /// precise.
    fn unconnected(&self, error: sqlx::Error, asked: Instant) -> StoreError {
        match error {
            sqlx::Error::PoolTimedOut => open::found_since(&self.fault, asked).unwrap_or(StoreError::Busy),
            error => error.into(),
        }
    }

    /// Runs a query with a time limit. On a timeout the connection is dropped with the future.
    async fn bounded<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        tokio::time::timeout(patience, work)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unreachable("it did not answer in time".to_owned())))
    }
}

/// Returns the time limit of an operation.
fn limit(patience: Patience) -> Duration {
    match patience {
        Patience::Request => PATIENCE,
        Patience::Everything => LONG_PATIENCE,
    }
}

impl SqlStore for PostgresStore {
    type Sqlx = Postgres;
    const DIALECT: Dialect = Dialect::Postgres;

    async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let asked = Instant::now();
        let connection = self.pool.acquire().await;
        connection.map_err(|error| self.unconnected(error, asked))
    }

    async fn begin_read(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.begin(READ).await
    }

    async fn begin_change(&self, patience: Patience) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = self.begin(WRITE).await?;
        sqlx::raw_sql(TURN).execute(&mut *transaction).await?;
        if patience == Patience::Everything {
            sqlx::query("SET LOCAL statement_timeout = 0")
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction)
    }

    /// Does not lock the state row, because it counts no change.
    async fn begin_write(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.begin("BEGIN").await
    }

    async fn reading<T: Send>(
        &self,
        patience: Patience,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let _turn = self.readers.turn().await?;
        self.bounded(limit(patience), work).await
    }

    async fn writing<T: Send>(
        &self,
        patience: Patience,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let _turn = self.writers.turn().await?;
        self.bounded(limit(patience), work).await
    }

    async fn require_complete(transaction: &mut Transaction<'static, Postgres>) -> Result<(), StoreError> {
        schema::require_triggers(transaction).await
    }

    async fn current_revision(&self) -> Result<Revision, StoreError> {
        self.bounded(SHORT_PATIENCE, async {
            let mut kept = self.revisions.lock().await;
            // Taken out while in use: after a failure or a cancelled call, the next call reconnects.
            if let Some(mut connection) = kept.take()
                && let Ok(row) = sqlx::query(STATE).fetch_one(&mut connection).await
            {
                *kept = Some(connection);
                return read_revision(&row);
            }
            let mut connection = open::connect(&self.options).await?;
            let row = sqlx::query(STATE).fetch_one(&mut connection).await?;
            *kept = Some(connection);
            read_revision(&row)
        })
        .await
    }

    /// Only a query shows what others have committed.
    fn current_stamp(&self) -> Option<RevisionStamp> {
        None
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn identity(&self) -> Result<String, StoreError> {
        self.read_identity().await
    }

    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    async fn writable(&self) -> Result<(), StoreError> {
        let _turn = self.readers.turn().await?;
        self.bounded(SHORT_PATIENCE, async {
            let row = sqlx::query("SELECT current_setting('transaction_read_only') = 'on'")
                .fetch_one(&mut *self.connection().await?)
                .await?;
            match row.try_get(0)? {
                true => Err(StoreError::ReadOnly(Engine::Postgres)),
                false => Ok(()),
            }
        })
        .await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<Vec<String>, StoreError> {
        self.reading(Patience::Everything, async {
            let mut connection = self.connection().await?;
            schema::check(&mut connection).await
        })
        .await
    }

    async fn close(&self) {
        if let Some(connection) = self.revisions.lock().await.take() {
            // If the server is gone, the close cannot be sent and does not matter.
            let _ = self
                .bounded(SHORT_PATIENCE, async { Ok(connection.close().await?) })
                .await;
        }
        let _ = tokio::time::timeout(SHORT_PATIENCE, self.pool.close()).await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connection_error_does_not_explain_other_timeouts() {
        let options = open::options("postgres://a@127.0.0.1:1/db").unwrap();
        let fault = open::Fault::default();
        let store = PostgresStore {
            pool: open::pool(&options, Arc::clone(&fault)),
            fault: Arc::clone(&fault),
            options,
            revisions: Mutex::new(None),
            readers: Queue::new(1),
            writers: Queue::new(1),
        };
        let before = Instant::now();
        *fault.lock().unwrap() = Some((Instant::now(), StoreError::Pooled));
        // A held lock, or a cancelled statement.
        let busy = store.bounded(PATIENCE, async { Err::<(), _>(StoreError::Busy) }).await;
        assert_eq!(busy.unwrap_err(), StoreError::Busy);
        let unconnected = |asked| store.unconnected(sqlx::Error::PoolTimedOut, asked);
        assert_eq!(unconnected(before), StoreError::Pooled);
        let later = Instant::now() + Duration::from_secs(1);
        assert_eq!(unconnected(later), StoreError::Busy, "that was another time");
    }
}
