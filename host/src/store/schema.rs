//! Opening a database file: whose it is, which version it has, and bringing it up to date.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, SqlSafeStr};

use super::error::StoreError;

/// "TLCH", as the first migration sets it.
const APPLICATION_ID: i64 = 0x544c_4348;

/// The newest version of the schema.
const VERSION: i64 = 1;

/// Makes sure that the database is ours and up to date. Nothing is written when it is.
pub(super) async fn prepare(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found = version(connection).await?;
    if found > VERSION {
        return Err(StoreError::SchemaNewer { found, known: VERSION });
    }
    if found == VERSION {
        return Ok(());
    }
    // One writer at a time: whoever comes second finds the work done.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrator()
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(error) | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => {
                error.into()
            }
            sqlx::migrate::MigrateError::VersionMismatch(version) => StoreError::Corrupt(format!(
                "step {version} of its schema is not the one this program knows"
            )),
            other => StoreError::Failed(other.to_string()),
        })?;
    transaction.commit().await?;
    Ok(())
}

/// The version in the file, 0 for an empty one.
async fn version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let application: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await?;
    if application == APPLICATION_ID {
        let version: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(&mut *connection)
            .await?;
        return Ok(version.unwrap_or_default());
    }
    let objects: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await?;
    if application == 0 && objects == 0 {
        Ok(0)
    } else {
        Err(StoreError::Foreign)
    }
}

fn migrator() -> Migrator {
    Migrator::with_migrations(vec![Migration::new(
        1,
        "accounts and tokens".into(),
        MigrationType::Simple,
        include_str!("../../migrations/0001_accounts_and_tokens.sql").into_sql_str(),
        false,
    )])
}
