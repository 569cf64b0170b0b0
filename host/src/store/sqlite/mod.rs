//! The store in one SQLite file.

mod open;
mod page;
mod place;
mod schema;
mod wal_index;
mod writes;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, Sqlite, Transaction};
use tokenlatch_core::{Caps, Features, Held, Policy, Record};
use tokio::sync::Mutex;

use super::account::{AccountStore, NewAccount, PasswordHash, Settings, StoredAccount};
use super::archive::{Archive, ArchiveStore, Plan};
use super::changes::{ChangeStore, Changes, KEPT_REVOKED};
use super::composed::Store;
use super::error::{Engine, StoreError};
use super::queue::Queue;
use super::record::{Change, StoredToken};
use super::revision::{History, PRUNED_AT_ONCE, Revision, RevisionStamp, Version, epoch_step};
use super::rows::{
    changed_one, not_added, read_account, read_archived_account, read_archived_token, read_changes, read_held,
    read_history, read_revision, read_settings, read_token, read_version, to_json,
};
use super::session::{SessionStore, StoredSession};
use super::sql;
use super::token::{TokenStore, hour_before};
use super::token_page::{PageQuery, TokenPage};
use super::usage::{TokenKeys, Usage, UsageBatch, UsageStore};
use place::Place;
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
    place: Place,
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
        let place = Place::of(options.get_filename(), open::is_read_only(address));
        Ok(SqliteStore {
            pool,
            options,
            index,
            place,
            revisions: Mutex::new(None),
            writers: Queue::new(1),
        })
    }

    /// Returns the pool if the opened file is still the one at the database's path.
    fn pool(&self) -> Result<&SqlitePool, StoreError> {
        self.place.check()?;
        Ok(&self.pool)
    }

    /// Begins a write transaction. It takes the write lock at once, so it never fails because of an earlier read.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool()?.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Runs a statement that must change a user's live account.
    async fn change_account(
        &self,
        user: &str,
        query: sqlx::query::Query<'_, Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<(), StoreError> {
        let _turn = self.writers.turn().await?;
        changed_one(query.execute(self.pool()?).await?.rows_affected(), user)
    }

    async fn tokens_where(&self, user: &str, condition: &str) -> Result<Vec<StoredToken>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "{} {} {condition} ORDER BY t.seq",
            sql::TOKEN,
            sql::OF_USER
        )))
        .bind(user)
        .fetch_all(self.pool()?)
        .await?;
        rows.iter().map(read_token).collect()
    }
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn add_account(&self, account: &NewAccount, now: i64) -> Result<(), StoreError> {
        let _turn = self.writers.turn().await?;
        let mut connection = self.pool()?.acquire().await?;
        writes::add_account(&mut connection, account, now, None).await
    }

    async fn account(&self, user: &str) -> Result<Option<StoredAccount>, StoreError> {
        sqlx::query(AssertSqlSafe(format!("{} AND a.\"user\" = $1", sql::ACCOUNTS)))
            .bind(user)
            .fetch_optional(self.pool()?)
            .await?
            .as_ref()
            .map(read_account)
            .transpose()
    }

    async fn settings(&self, user: &str) -> Result<Option<Settings>, StoreError> {
        sqlx::query(AssertSqlSafe(format!(
            "{} WHERE a.\"user\" = $1 AND a.removed IS NULL",
            sql::SETTINGS
        )))
        .bind(user)
        .fetch_optional(self.pool()?)
        .await?
        .as_ref()
        .map(read_settings)
        .transpose()
    }

    async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!("{} ORDER BY a.\"user\"", sql::ACCOUNTS)))
            .fetch_all(self.pool()?)
            .await?;
        rows.iter().map(read_account).collect()
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
        let query = AssertSqlSafe(format!("{} AND json(features) = json($3)", sql::SET_FEATURES));
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
        let found: Option<Option<String>> = sqlx::query_scalar(sql::PASSWORD)
            .bind(user)
            .fetch_optional(self.pool()?)
            .await?;
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
        let mut transaction = self.write().await?;
        writes::change(&mut transaction, revoked).await?;
        // If a token was created in the meantime and is live, the database refuses this.
        let query = sqlx::query(sql::REMOVE_ACCOUNT).bind(now).bind(user);
        changed_one(query.execute(&mut *transaction).await?.rows_affected(), user)?;
        transaction.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl TokenStore for SqliteStore {
    async fn held(&self, user: &str, since: i64, most: i64) -> Result<Option<Held>, StoreError> {
        let row = sqlx::query(sql::HELD).bind(user).bind(since).bind(most);
        row.fetch_optional(self.pool()?)
            .await?
            .as_ref()
            .map(read_held)
            .transpose()
    }

    async fn add_token(&self, record: &Record, account: Option<&str>, caps: Caps) -> Result<(), StoreError> {
        let query = sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO tokens (account, record) SELECT id, $1 FROM accounts \
             WHERE user = $2 AND removed IS NULL AND key = coalesce($3, key) AND {}",
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
        let rows = sqlx::query(AssertSqlSafe(format!(
            "{} {} AND t.revoked IS NULL AND t.name IN (SELECT value FROM json_each($2))",
            sql::TOKEN,
            sql::OF_USER
        )))
        .bind(user)
        .bind(to_json(names)?)
        .fetch_all(self.pool()?)
        .await?;
        rows.iter().map(read_token).collect()
    }

    async fn token_by_hashes(&self, hashes: &[String]) -> Result<Option<Record>, StoreError> {
        sqlx::query(AssertSqlSafe(format!(
            "{} WHERE t.hash IN (SELECT value FROM json_each($1)) LIMIT 1",
            sql::TOKEN
        )))
        .bind(to_json(hashes)?)
        .fetch_optional(self.pool()?)
        .await?
        .as_ref()
        .map(|row| read_token(row).map(|token| token.record))
        .transpose()
    }

    async fn change_tokens(&self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let _turn = self.writers.turn().await?;
        let mut transaction = self.write().await?;
        writes::change(&mut transaction, changes).await?;
        transaction.commit().await?;
        Ok(())
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
        if prunable().fetch_optional(self.pool()?).await?.is_none() {
            return Ok(0);
        }
        let _turn = self.writers.turn().await?;
        let mut transaction = self.write().await?;
        let tokens: Vec<i64> = prunable().fetch_all(&mut *transaction).await?;
        let chosen = to_json(&tokens)?;
        sqlx::query(
            "UPDATE pruned SET before = max(before, $2), revision = max(revision, coalesce((SELECT max(c.revision) \
             FROM token_changes c WHERE c.token IN (SELECT value FROM json_each($1))), 0))",
        )
        .bind(&chosen)
        .bind(before)
        .execute(&mut *transaction)
        .await?;
        for statement in [
            "DELETE FROM token_usage WHERE token IN (SELECT value FROM json_each($1))",
            "DELETE FROM token_changes WHERE token IN (SELECT value FROM json_each($1))",
            "DELETE FROM tokens WHERE seq IN (SELECT value FROM json_each($1))",
        ] {
            sqlx::query(statement).bind(&chosen).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(tokens.len() as u64)
    }
}

#[async_trait]
impl SessionStore for SqliteStore {
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
impl UsageStore for SqliteStore {
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
impl ArchiveStore for SqliteStore {
    async fn archive(&self) -> Result<Archive, StoreError> {
        let mut transaction = self.pool()?.begin().await?;
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

    async fn apply(&self, plan: &Plan) -> Result<(), StoreError> {
        let _turn = self.writers.turn().await?;
        let mut transaction = self.write().await?;
        let revision = read_revision(&sqlx::query(sql::STATE).fetch_one(&mut *transaction).await?)?;
        if revision != plan.since {
            return Err(StoreError::Conflict);
        }
        // First, because a revocation frees a name.
        writes::change(&mut transaction, &plan.changes).await?;
        for account in &plan.accounts {
            writes::add_account(&mut transaction, &account.account, account.created, account.removed).await?;
        }
        for token in &plan.tokens {
            writes::add_token(&mut transaction, token).await?;
        }
        sqlx::query("UPDATE pruned SET before = max(before, $1)")
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
}

#[async_trait]
impl ChangeStore for SqliteStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        if self.pool.is_closed() {
            return Err(sqlx::Error::PoolClosed.into());
        }
        self.place.check()?;
        let mut kept = self.revisions.lock().await;
        // Taken out while in use: a cancelled call leaves no connection in an unknown state.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let row = sqlx::query(sql::STATE).fetch_one(&mut connection).await?;
        *kept = Some(connection);
        read_revision(&row)
    }

    fn stamp(&self) -> Option<RevisionStamp> {
        if self.pool.is_closed() || self.place.check().is_err() {
            None
        } else {
            self.index.stamp()
        }
    }

    async fn changes(&self, since: Option<Revision>) -> Result<Changes, StoreError> {
        // A read transaction sees the database as of its first read.
        let mut transaction = self.pool()?.begin().await?;
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
        let (accounts, tokens) = match newer {
            None => (
                format!("{} WHERE a.removed IS NULL", sql::SETTINGS),
                format!("{} WHERE t.revoked IS NULL ORDER BY t.seq", sql::TOKEN),
            ),
            Some(_) => (
                format!(
                    "{} JOIN account_changes c ON c.account = a.id WHERE c.revision > $1 AND a.removed IS NULL",
                    sql::SETTINGS
                ),
                format!(
                    "{} JOIN token_changes c ON c.token = t.seq WHERE c.revision > $1",
                    sql::TOKEN
                ),
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

    async fn find_version(&self, version: Version) -> Result<Result<Revision, History>, StoreError> {
        let query = sqlx::query(sql::HISTORY).bind(version.number());
        read_version(&query.fetch_one(self.pool()?).await?, version)
    }

    async fn begin_epoch(&self, known: i64) -> Result<bool, StoreError> {
        let _turn = self.writers.turn().await?;
        let query = sqlx::query(sql::EPOCH_AFTER).bind(epoch_step()?).bind(known);
        Ok(query.execute(self.pool()?).await?.rows_affected() == 1)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn identity(&self) -> Result<String, StoreError> {
        Ok(sqlx::query_scalar(sql::IDENTITY).fetch_one(self.pool()?).await?)
    }

    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    async fn writable(&self) -> Result<(), StoreError> {
        self.place.check()?;
        self.place.writable()
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
