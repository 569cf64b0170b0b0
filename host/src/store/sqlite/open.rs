//! Opens a SQLite file: its path, its permissions, its settings.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::super::database_url::redacted;
use super::super::error::{Engine, StoreError};

/// How long a process waits for another process's write.
const BUSY: Duration = Duration::from_secs(10);

/// The pause before a busy file is tried again.
const AGAIN: Duration = Duration::from_millis(10);

/// How long a request waits for a connection of its process.
const QUEUE: Duration = Duration::from_secs(30);

/// Creates the pool for a file, and the options for further connections.
pub(super) async fn pool(address: &str, create: bool) -> Result<(SqliteConnectOptions, SqlitePool), StoreError> {
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
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging();
    if !is_read_only(address) {
        options = options.journal_mode(SqliteJournalMode::Wal);
    }
    let pool = connect(&options).await?;
    Ok((options, pool))
}

/// Whether an address opens its file read-only.
pub(super) fn is_read_only(address: &str) -> bool {
    let query = address.strip_prefix("sqlite:").and_then(|rest| rest.split_once('?'));
    let read_only = |option: &str| matches!(option, "mode=ro" | "immutable" | "immutable=1" | "immutable=true");
    query.is_some_and(|(_, query)| query.split('&').any(read_only))
}

/// Connects. SQLite does not wait when two processes switch a new file to WAL mode at the same time, so this retries for as
/// long as it would wait for any other write.
async fn connect(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let patience = Instant::now() + BUSY;
    loop {
        let connecting = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(QUEUE)
            // After a failed commit, as on a full disk, SQLite has no transaction any more, but the connection still counts one.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone());
        match connecting.await.map_err(StoreError::from) {
            Err(StoreError::Busy) if Instant::now() < patience => tokio::time::sleep(AGAIN).await,
            outcome => return outcome,
        }
    }
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

/// Creates an empty file that only its owner can read. SQLite gives its `-wal` and `-shm` files the same permissions.
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
            io::ErrorKind::StorageFull => StoreError::Full(Engine::Sqlite),
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => StoreError::ReadOnly(Engine::Sqlite),
            _ => StoreError::Unopenable(error.to_string()),
        }),
        _ => Ok(()),
    }
}
