//! The store in one SQLite file.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row, Sqlite, Transaction};
use tokenlatch_core::{Account, Features, Record};

use super::error::StoreError;
use super::{Change, Store, StoredAccount, StoredToken, schema};

/// How long one process waits for another one's write.
const BUSY: Duration = Duration::from_secs(10);

const ACCOUNTS: &str = "SELECT a.user, a.suspended, a.features, a.created, \
    (SELECT count(*) FROM tokens t WHERE t.account = a.id AND t.revoked IS NULL) AS live_tokens \
    FROM accounts a WHERE a.removed IS NULL";

/// The columns that a record is checked against.
const TOKEN: &str =
    "SELECT t.record, t.revision, t.id, t.user, t.name, t.hash, t.created, t.expires, t.revoked FROM tokens t";

/// Accounts and records in one SQLite file: write-ahead log, and every change on the disk before it is acknowledged.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens a database: a path, or `sqlite:PATH` with SQLite's own options (`?mode=ro`). `create` makes it when it is
    /// missing, readable by its owner alone.
    ///
    /// # Errors
    /// [`StoreError::Missing`] without `create`; [`StoreError::Foreign`], [`StoreError::SchemaNewer`],
    /// [`StoreError::Corrupt`] for a file that cannot be used; [`StoreError::Unsupported`] for another kind of database.
    pub async fn open(address: &str, create: bool) -> Result<SqliteStore, StoreError> {
        let mut options = options(address)?;
        let file = options.get_filename().to_owned();
        if create {
            touch(&file)?;
        }
        if !file.exists() {
            return Err(StoreError::Missing(address.to_owned()));
        }
        options = options
            .create_if_missing(false)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cell_size_check", "ON")
            .pragma("trusted_schema", "OFF");
        if !address.contains("mode=ro") && !address.contains("immutable") {
            options = options.journal_mode(SqliteJournalMode::Wal);
        }
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(BUSY)
            .connect_with(options)
            .await?;
        let mut connection = pool.acquire().await?;
        schema::prepare(&mut connection).await?;
        drop(connection);
        Ok(SqliteStore { pool })
    }

    /// A transaction that writes: it takes the write lock at once, so it never fails for having read first.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn add_account(&self, account: &Account, now: i64) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO accounts (user, suspended, features, created) VALUES (?, ?, ?, ?)")
            .bind(&account.user)
            .bind(account.suspended)
            .bind(to_json(&account.features)?)
            .bind(now)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn account(&self, user: &str) -> Result<Option<StoredAccount>, StoreError> {
        sqlx::query(AssertSqlSafe(format!("{ACCOUNTS} AND a.user = ?")))
            .bind(user)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(read_account)
            .transpose()
    }

    async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!("{ACCOUNTS} ORDER BY a.user")))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read_account).collect()
    }

    async fn set_suspended(&self, user: &str, suspended: bool) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE accounts SET suspended = ? WHERE user = ? AND removed IS NULL")
            .bind(suspended)
            .bind(user)
            .execute(&self.pool)
            .await?;
        changed_one(done.rows_affected(), user)
    }

    async fn set_features(&self, user: &str, features: &Features) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE accounts SET features = ? WHERE user = ? AND removed IS NULL")
            .bind(to_json(features)?)
            .bind(user)
            .execute(&self.pool)
            .await?;
        changed_one(done.rows_affected(), user)
    }

    async fn remove_account(&self, user: &str, revoked: &[Change], now: i64) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        change(&mut transaction, revoked).await?;
        // A token that is still live, because it was created meanwhile, makes the database refuse this.
        let done = sqlx::query("UPDATE accounts SET removed = ? WHERE user = ? AND removed IS NULL")
            .bind(now)
            .bind(user)
            .execute(&mut *transaction)
            .await?;
        changed_one(done.rows_affected(), user)?;
        transaction.commit().await?;
        Ok(())
    }

    async fn add_token(&self, record: &Record) -> Result<(), StoreError> {
        let done = sqlx::query(
            "INSERT INTO tokens (account, record) SELECT id, ?1 FROM accounts WHERE user = ?2 AND removed IS NULL",
        )
        .bind(to_json(record)?)
        .bind(&record.user)
        .execute(&self.pool)
        .await?;
        changed_one(done.rows_affected(), &record.user)
    }

    async fn tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "{TOKEN} JOIN accounts a ON a.id = t.account WHERE a.user = ? AND a.removed IS NULL ORDER BY t.seq"
        )))
        .bind(user)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_token).collect()
    }

    async fn token_by_hashes(&self, hashes: &[String]) -> Result<Option<Record>, StoreError> {
        sqlx::query(AssertSqlSafe(format!(
            "{TOKEN} WHERE t.hash IN (SELECT value FROM json_each(?)) LIMIT 1"
        )))
        .bind(to_json(hashes)?)
        .fetch_optional(&self.pool)
        .await?
        .as_ref()
        .map(|row| read_token(row).map(|token| token.record))
        .transpose()
    }

    async fn change_tokens(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        change(&mut transaction, changes).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

/// Replaces each record, if it is still the one that the change was made from.
async fn change(connection: &mut SqliteConnection, changes: &[Change]) -> Result<(), StoreError> {
    for change in changes {
        let done = sqlx::query(
            "UPDATE tokens SET record = ?, revision = revision + 1 WHERE id = ? AND revision = ? AND revoked IS NULL",
        )
        .bind(to_json(&change.record)?)
        .bind(&change.record.id)
        .bind(change.revision)
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() != 1 {
            return Err(StoreError::Conflict);
        }
    }
    Ok(())
}

fn options(address: &str) -> Result<SqliteConnectOptions, StoreError> {
    let unsupported = || StoreError::Unsupported(redacted(address));
    if address.is_empty() || address.contains(":memory:") {
        return Err(unsupported());
    }
    if address.starts_with("sqlite:") {
        return SqliteConnectOptions::from_str(address).map_err(|_| unsupported());
    }
    if address.contains("://") {
        return Err(unsupported());
    }
    Ok(SqliteConnectOptions::new().filename(address))
}

/// The address up to its scheme: what follows may hold a password.
fn redacted(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…"),
        None => address.to_owned(),
    }
}

/// Creates an empty file that only its owner can read. SQLite gives its companions the same permissions.
fn touch(file: &Path) -> Result<(), StoreError> {
    let mut new = OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        new.mode(0o600);
    }
    match new.open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(match error.kind() {
            io::ErrorKind::StorageFull => StoreError::Full,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => StoreError::ReadOnly,
            _ => StoreError::Unopenable(error.to_string()),
        }),
        _ => Ok(()),
    }
}

fn read_account(row: &SqliteRow) -> Result<StoredAccount, StoreError> {
    let features: String = row.try_get("features")?;
    Ok(StoredAccount {
        account: Account {
            user: row.try_get("user")?,
            suspended: row.try_get("suspended")?,
            features: serde_json::from_str(&features)
                .map_err(|_| StoreError::Corrupt("an account's features cannot be read".to_owned()))?,
        },
        created: row.try_get("created")?,
        live_tokens: row.try_get::<i64, _>("live_tokens")?.unsigned_abs(),
    })
}

/// Reads a record, and compares it with what the database took from it when it was written: a damaged one is refused.
fn read_token(row: &SqliteRow) -> Result<StoredToken, StoreError> {
    let text: String = row.try_get("record")?;
    let id: String = row.try_get("id")?;
    let damaged = || StoreError::Corrupt(format!("the token `{id}` contradicts itself"));
    let record: Record = serde_json::from_str(&text).map_err(|_| damaged())?;
    let same = record.id == id
        && record.user == row.try_get::<String, _>("user")?
        && record.name == row.try_get::<String, _>("name")?
        && record.hash == row.try_get::<String, _>("hash")?
        && record.created == row.try_get::<i64, _>("created")?
        && record.expires == row.try_get::<Option<i64>, _>("expires")?
        && record.revoked == row.try_get::<Option<i64>, _>("revoked")?;
    if !same {
        return Err(damaged());
    }
    Ok(StoredToken {
        record,
        revision: row.try_get("revision")?,
    })
}

fn changed_one(rows: u64, user: &str) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::AccountUnknown(user.to_owned()))
    }
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(error.to_string()))
}
