//! The store in a PostgreSQL database, which several servers may share.

mod open;
mod page;
mod schema;
mod writes;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection, Postgres, Row, Transaction};
use tokenlatch_core::{Caps, Features, Held, Policy, Record};
use tokio::sync::Mutex;

use super::account::{AccountStore, NewAccount, PasswordHash, Settings, StoredAccount};
use super::archive::{Archive, ArchiveStore, Plan};
use super::changes::{ChangeStore, Changes, KEPT_REVOKED};
use super::composed::Store;
use super::error::{Engine, StoreError};
use super::queue::Queue;
use super::record::{Change, StoredToken};
use super::revision::{History, PRUNED_AT_ONCE, Revision, Version, epoch_step};
use super::rows::{
    changed_one, not_added, read_account, read_archived_account, read_archived_token, read_changes, read_held,
    read_history, read_revision, read_settings, read_token, read_version, to_json,
};
use super::session::{SessionStore, StoredSession};
use super::sql;
use super::token::{TokenStore, hour_before};
use super::token_page::{PageQuery, TokenPage};
use super::usage::{TokenKeys, Usage, UsageBatch, UsageStore};

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

    /// Acquires a connection of the pool.
    async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let asked = Instant::now();
        let connection = self.pool.acquire().await;
        connection.map_err(|error| self.unconnected(error, asked))
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

    async fn write(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = self.begin(WRITE).await?;
        sqlx::raw_sql(TURN).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    async fn read(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.begin(READ).await
    }

    /// Runs a read after its turn in the readers' queue.
    async fn reading<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let _turn = self.readers.turn().await?;
        self.bounded(patience, work).await
    }

    /// Runs a query with a time limit. On a timeout the connection is dropped with the future.
    async fn bounded<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        tokio::time::timeout(patience, work)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unreachable("it does not answer in time".to_owned())))
    }

    async fn tokens_where(&self, user: &str, condition: &str) -> Result<Vec<StoredToken>, StoreError> {
        let query = AssertSqlSafe(format!("{} {} {condition} ORDER BY t.seq", sql::TOKEN, sql::OF_USER));
        let rows = self
            .reading(PATIENCE, async {
                Ok(sqlx::query(query)
                    .bind(searchable(user))
                    .fetch_all(&mut *self.connection().await?)
                    .await?)
            })
            .await?;
        rows.iter().map(read_token).collect()
    }

    async fn read_changes(&self, since: Option<Revision>) -> Result<Changes, StoreError> {
        let mut transaction = self.read().await?;
        let revision = read_revision(&sqlx::query(sql::STATE).fetch_one(&mut *transaction).await?)?;
        let pruned = sqlx::query(sql::PRUNED).fetch_one(&mut *transaction).await?;
        let history = match since {
            Some(since) => {
                let query = sqlx::query(sql::HISTORY).bind(since.number);
                read_history(&query.fetch_one(&mut *transaction).await?, since)?
            }
            None => History::Known,
        };
        let newer = revision.newer_than(since, history, pruned.try_get("revision")?);
        if newer.is_none() {
            schema::require_triggers(&mut transaction).await?;
        }
        let (accounts, tokens) = match newer {
            None => (
                format!("{} WHERE a.removed IS NULL", sql::SETTINGS),
                format!("{} WHERE t.revoked IS NULL ORDER BY t.seq", sql::TOKEN),
            ),
            Some(_) => (
                format!("{} WHERE a.changed > $1 AND a.removed IS NULL", sql::SETTINGS),
                format!("{} WHERE t.changed > $1", sql::TOKEN),
            ),
        };
        let (mut accounts, mut tokens) = (sqlx::query(AssertSqlSafe(accounts)), sqlx::query(AssertSqlSafe(tokens)));
        if let Some(revision) = newer {
            (accounts, tokens) = (accounts.bind(revision), tokens.bind(revision));
        }
        let accounts = accounts.fetch_all(&mut *transaction).await?;
        let mut revoked = Vec::new();
        if newer.is_none() {
            let query = AssertSqlSafe(format!("{} WHERE {}", sql::TOKEN, sql::NEWLY_REVOKED));
            let most = i64::try_from(KEPT_REVOKED).unwrap_or(i64::MAX);
            revoked = sqlx::query(query).bind(most).fetch_all(&mut *transaction).await?;
        }
        let tokens = tokens.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        read_changes(revision, history, newer, &accounts, &revoked, &tokens)
    }

    async fn read_archive(&self) -> Result<Archive, StoreError> {
        let mut transaction = self.read().await?;
        let revision = read_revision(&sqlx::query(sql::STATE).fetch_one(&mut *transaction).await?)?;
        let accounts = sqlx::query(AssertSqlSafe(format!("{} ORDER BY a.id", sql::SETTINGS)))
            .fetch_all(&mut *transaction)
            .await?;
        let tokens = sqlx::query(sql::ARCHIVED_TOKEN).fetch_all(&mut *transaction).await?;
        let pruned = sqlx::query(sql::PRUNED).fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Archive {
            revision,
            pruned: pruned.try_get("before")?,
            accounts: accounts.iter().map(read_archived_account).collect::<Result<_, _>>()?,
            tokens: tokens.iter().map(read_archived_token).collect::<Result<_, _>>()?,
        })
    }

    async fn carry_out(&self, plan: &Plan) -> Result<(), StoreError> {
        let _turn = self.writers.turn().await?;
        let mut transaction = self.write().await?;
        sqlx::query("SET LOCAL statement_timeout = 0")
            .execute(&mut *transaction)
            .await?;
        let revision = read_revision(&sqlx::query(sql::STATE).fetch_one(&mut *transaction).await?)?;
        if revision != plan.since {
            return Err(StoreError::Conflict);
        }
        // First, because a revocation frees a name.
        writes::change(&mut transaction, &plan.changes).await?;
        for account in &plan.accounts {
            writes::add_account(&mut transaction, &account.account, account.created, account.removed).await?;
        }
        writes::add_tokens(&mut transaction, &plan.tokens).await?;
        sqlx::query("UPDATE pruned SET before = greatest(before, $1)")
            .bind(plan.pruned)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(sql::NEW_EPOCH)
            .bind(epoch_step()?)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Runs a statement that must change a user's live account.
    async fn change_account(
        &self,
        user: &str,
        query: sqlx::query::Query<'_, Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<(), StoreError> {
        let _turn = self.writers.turn().await?;
        self.bounded(PATIENCE, async {
            let mut transaction = self.write().await?;
            changed_one(query.execute(&mut *transaction).await?.rows_affected(), user)?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

/// Makes a text searchable. PostgreSQL refuses NUL; users and names contain neither NUL nor the character put in its place.
fn searchable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[async_trait]
impl AccountStore for PostgresStore {
    async fn add_account(&self, account: &NewAccount, now: i64) -> Result<(), StoreError> {
        let _turn = self.writers.turn().await?;
        self.bounded(PATIENCE, async {
            let mut transaction = self.write().await?;
            writes::add_account(&mut transaction, account, now, None).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    async fn account(&self, user: &str) -> Result<Option<StoredAccount>, StoreError> {
        let query = AssertSqlSafe(format!("{} AND a.\"user\" = $1", sql::ACCOUNTS));
        let row = self.reading(PATIENCE, async {
            Ok(sqlx::query(query)
                .bind(searchable(user))
                .fetch_optional(&mut *self.connection().await?)
                .await?)
        });
        row.await?.as_ref().map(read_account).transpose()
    }

    async fn settings(&self, user: &str) -> Result<Option<Settings>, StoreError> {
        let query = AssertSqlSafe(format!("{} WHERE a.\"user\" = $1 AND a.removed IS NULL", sql::SETTINGS));
        let row = self.reading(PATIENCE, async {
            Ok(sqlx::query(query)
                .bind(searchable(user))
                .fetch_optional(&mut *self.connection().await?)
                .await?)
        });
        row.await?.as_ref().map(read_settings).transpose()
    }

    async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError> {
        let query = AssertSqlSafe(format!("{} ORDER BY a.\"user\"", sql::ACCOUNTS));
        let rows = self.reading(PATIENCE, async {
            Ok(sqlx::query(query).fetch_all(&mut *self.connection().await?).await?)
        });
        rows.await?.iter().map(read_account).collect()
    }

    async fn set_suspended(&self, user: &str, suspended: bool) -> Result<(), StoreError> {
        let query = sqlx::query(sql::SET_SUSPENDED).bind(suspended).bind(user);
        self.change_account(user, query).await
    }

    async fn set_features(&self, user: &str, features: &Features) -> Result<(), StoreError> {
        let query = sqlx::query(sql::SET_FEATURES).bind(to_json(features)?).bind(user);
        self.change_account(user, query).await
    }

    async fn replace_features(&self, user: &str, was: &Features, features: &Features) -> Result<bool, StoreError> {
        let query = AssertSqlSafe(format!("{} AND features::jsonb = $3::jsonb", sql::SET_FEATURES));
        let query = sqlx::query(query)
            .bind(to_json(features)?)
            .bind(user)
            .bind(to_json(was)?);
        match self.change_account(user, query).await {
            Err(StoreError::AccountUnknown(_)) if self.settings(user).await?.is_some() => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    async fn set_policy(&self, user: &str, policy: &Policy) -> Result<(), StoreError> {
        let query = sqlx::query(sql::SET_POLICY)
            .bind(policy.max_lifetime)
            .bind(policy.expiry_required)
            .bind(to_json(&policy.caps)?)
            .bind(user);
        self.change_account(user, query).await
    }

    async fn set_password(&self, user: &str, password: &PasswordHash) -> Result<(), StoreError> {
        let query = sqlx::query(sql::SET_PASSWORD).bind(password.expose()).bind(user);
        self.change_account(user, query).await
    }

    async fn password(&self, user: &str) -> Result<Option<PasswordHash>, StoreError> {
        let row = self.reading(PATIENCE, async {
            Ok(sqlx::query(sql::PASSWORD)
                .bind(searchable(user))
                .fetch_optional(&mut *self.connection().await?)
                .await?)
        });
        let found: Option<Option<String>> = row.await?.map(|row| row.try_get(0)).transpose()?;
        Ok(found.flatten().map(PasswordHash::new))
    }

    async fn set_administrator(&self, user: &str, administrator: bool) -> Result<(), StoreError> {
        let query = sqlx::query(sql::SET_ADMINISTRATOR).bind(administrator).bind(user);
        self.change_account(user, query).await
    }

    async fn rename_account(&self, user: &str, new_user: &str) -> Result<(), StoreError> {
        let query = sqlx::query(sql::RENAME_ACCOUNT).bind(new_user).bind(user);
        self.change_account(user, query).await
    }

    async fn remove_account(&self, user: &str, revoked: &[Change], now: i64) -> Result<(), StoreError> {
        let _turn = self.writers.turn().await?;
        self.bounded(PATIENCE, async {
            let mut transaction = self.write().await?;
            writes::change(&mut transaction, revoked).await?;
            // If a token was created in the meantime and is live, the database refuses this.
            let query = sqlx::query(sql::REMOVE_ACCOUNT).bind(now).bind(user);
            changed_one(query.execute(&mut *transaction).await?.rows_affected(), user)?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl TokenStore for PostgresStore {
    async fn held(&self, user: &str, since: i64, most: i64) -> Result<Option<Held>, StoreError> {
        let row = self.reading(PATIENCE, async {
            let query = sqlx::query(sql::HELD).bind(searchable(user)).bind(since).bind(most);
            Ok(query.fetch_optional(&mut *self.connection().await?).await?)
        });
        row.await?.as_ref().map(read_held).transpose()
    }

    async fn add_token(&self, record: &Record, account: Option<&str>, caps: Caps) -> Result<(), StoreError> {
        let query = sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO tokens (account, changed, record) SELECT id, 0, $1::jsonb FROM accounts \
             WHERE \"user\" = $2 AND removed IS NULL AND key = coalesce($3, key) AND {}",
            sql::WITHIN_CAPS
        )))
        .bind(to_json(record)?)
        .bind(&record.user)
        .bind(account)
        .bind(caps.tokens())
        .bind(hour_before(record.created))
        .bind(caps.tokens_per_hour());
        match self.change_account(&record.user, query).await {
            Err(StoreError::AccountUnknown(user)) => {
                let there = self.settings(&user).await?;
                Err(not_added(user, account, there.as_ref()))
            }
            outcome => outcome,
        }
    }

    async fn tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError> {
        self.tokens_where(user, "").await
    }

    async fn live_tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError> {
        self.tokens_where(user, "AND t.revoked IS NULL").await
    }

    async fn tokens_named(&self, user: &str, names: &[String]) -> Result<Vec<StoredToken>, StoreError> {
        let query = AssertSqlSafe(format!(
            "{} {} AND t.revoked IS NULL AND t.name = ANY ($2)",
            sql::TOKEN,
            sql::OF_USER
        ));
        let names: Vec<String> = names.iter().map(|name| searchable(name)).collect();
        let rows = self.reading(PATIENCE, async {
            let query = sqlx::query(query).bind(searchable(user)).bind(names);
            Ok(query.fetch_all(&mut *self.connection().await?).await?)
        });
        rows.await?.iter().map(read_token).collect()
    }

    async fn token_by_hashes(&self, hashes: &[String]) -> Result<Option<Record>, StoreError> {
        let query = AssertSqlSafe(format!("{} WHERE t.hash = ANY ($1) LIMIT 1", sql::TOKEN));
        let row = self.reading(PATIENCE, async {
            Ok(sqlx::query(query)
                .bind(hashes)
                .fetch_optional(&mut *self.connection().await?)
                .await?)
        });
        row.await?
            .as_ref()
            .map(|row| read_token(row).map(|token| token.record))
            .transpose()
    }

    async fn change_tokens(&self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let _turn = self.writers.turn().await?;
        self.bounded(PATIENCE, async {
            let mut transaction = self.write().await?;
            writes::change(&mut transaction, changes).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    async fn tokens_page(&self, user: &str, query: &PageQuery) -> Result<TokenPage, StoreError> {
        page::tokens(self, user, query).await
    }

    async fn tokens_with_ids(&self, user: &str, ids: &[String]) -> Result<Vec<StoredToken>, StoreError> {
        page::tokens_with_ids(self, user, ids).await
    }

    async fn prune_tokens(&self, before: i64) -> Result<u64, StoreError> {
        let prunable = || {
            sqlx::query_scalar::<_, i64>(sql::PRUNABLE)
                .bind(before)
                .bind(PRUNED_AT_ONCE)
        };
        // Usually there are none, and a write transaction is not needed.
        let any = self.reading(PATIENCE, async {
            Ok(prunable().fetch_optional(&mut *self.connection().await?).await?)
        });
        if any.await?.is_none() {
            return Ok(0);
        }
        let _turn = self.writers.turn().await?;
        self.bounded(PATIENCE, async {
            let mut transaction = self.write().await?;
            let tokens: Vec<i64> = prunable().fetch_all(&mut *transaction).await?;
            sqlx::query(
                "UPDATE pruned SET before = greatest(before, $2), revision = greatest(revision, \
                 (SELECT max(t.changed) FROM tokens t WHERE t.seq = ANY ($1)))",
            )
            .bind(&tokens)
            .bind(before)
            .execute(&mut *transaction)
            .await?;
            for statement in [
                "DELETE FROM token_usage WHERE token = ANY ($1)",
                "DELETE FROM tokens WHERE seq = ANY ($1)",
            ] {
                sqlx::query(statement).bind(&tokens).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Ok(tokens.len() as u64)
        })
        .await
    }
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn add_session(&self, session: &StoredSession) -> Result<bool, StoreError> {
        page::add_session(self, session).await
    }

    async fn session(&self, key: &str) -> Result<Option<StoredSession>, StoreError> {
        page::session(self, key).await
    }

    async fn change_session(&self, session: &StoredSession) -> Result<bool, StoreError> {
        page::change_session(self, session).await
    }

    async fn remove_session(&self, key: &str) -> Result<(), StoreError> {
        page::remove_session(self, key).await
    }

    async fn spend_form(&self, key: &str, ends: i64) -> Result<bool, StoreError> {
        page::spend_form(self, key, ends).await
    }

    async fn prune_sessions(&self, now: i64) -> Result<(), StoreError> {
        page::prune(self, now).await
    }
}

#[async_trait]
impl UsageStore for PostgresStore {
    async fn add_usage(&self, usage: &[Usage]) -> Result<(), StoreError> {
        page::add_usage(self, usage).await
    }

    async fn add_usage_batch(&self, batch: &UsageBatch, usage: &[Usage]) -> Result<bool, StoreError> {
        page::add_usage_batch(self, batch, usage).await
    }

    async fn token_keys(&self, keys: &[String]) -> Result<Vec<TokenKeys>, StoreError> {
        page::token_keys(self, keys).await
    }

    async fn usage(&self, ids: &[String]) -> Result<Vec<Usage>, StoreError> {
        page::usage(self, ids).await
    }
}

#[async_trait]
impl ArchiveStore for PostgresStore {
    async fn archive(&self) -> Result<Archive, StoreError> {
        self.reading(LONG_PATIENCE, self.read_archive()).await
    }

    async fn apply(&self, plan: &Plan) -> Result<(), StoreError> {
        self.bounded(LONG_PATIENCE, self.carry_out(plan)).await
    }
}

#[async_trait]
impl ChangeStore for PostgresStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        self.bounded(SHORT_PATIENCE, async {
            let mut kept = self.revisions.lock().await;
            // Taken out while in use: after a failure or a cancelled call, the next call reconnects.
            if let Some(mut connection) = kept.take()
                && let Ok(row) = sqlx::query(sql::STATE).fetch_one(&mut connection).await
            {
                *kept = Some(connection);
                return read_revision(&row);
            }
            let mut connection = open::connect(&self.options).await?;
            let row = sqlx::query(sql::STATE).fetch_one(&mut connection).await?;
            *kept = Some(connection);
            read_revision(&row)
        })
        .await
    }

    async fn changes(&self, since: Option<Revision>) -> Result<Changes, StoreError> {
        self.reading(LONG_PATIENCE, self.read_changes(since)).await
    }

    async fn find_version(&self, version: Version) -> Result<Result<Revision, History>, StoreError> {
        let row = self.reading(PATIENCE, async {
            let query = sqlx::query(sql::HISTORY).bind(version.number());
            Ok(query.fetch_one(&mut *self.connection().await?).await?)
        });
        read_version(&row.await?, version)
    }

    async fn begin_epoch(&self, known: i64) -> Result<bool, StoreError> {
        let _turn = self.writers.turn().await?;
        self.bounded(PATIENCE, async {
            let mut transaction = self.write().await?;
            let query = sqlx::query(sql::EPOCH_AFTER).bind(epoch_step()?).bind(known);
            let begun = query.execute(&mut *transaction).await?.rows_affected() == 1;
            transaction.commit().await?;
            Ok(begun)
        })
        .await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn identity(&self) -> Result<String, StoreError> {
        self.reading(PATIENCE, async {
            Ok(sqlx::query_scalar(sql::IDENTITY)
                .fetch_one(&mut *self.connection().await?)
                .await?)
        })
        .await
    }

    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    async fn writable(&self) -> Result<(), StoreError> {
        self.reading(SHORT_PATIENCE, async {
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
        self.reading(LONG_PATIENCE, async {
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
    async fn what_a_new_connection_was_refused_for_explains_no_other_wait() {
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
