//! The schema of a SQLite file: detection, version, migration, check for damage.

use std::collections::BTreeSet;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::super::error::StoreError;
use super::super::migrate::{Step, failure, migrator, newest};
use super::super::sql::check_rows;

/// "TLCH", as the first migration sets it.
const APPLICATION_ID: i64 = 0x544c_4348;

/// The steps, each a file in `migrations`, which is run only if it is listed here. A number that one database lacks is a
/// change that only the other needs.
const STEPS: &[Step] = &[
    (
        1,
        "accounts and tokens",
        include_str!("../migrations/sqlite/0001_accounts_and_tokens.sql"),
    ),
    (
        2,
        "settings and changes",
        include_str!("../migrations/sqlite/0002_settings_and_changes.sql"),
    ),
    (3, "page", include_str!("../migrations/sqlite/0003_page.sql")),
    (
        4,
        "usage batches",
        include_str!("../migrations/sqlite/0004_usage_batches.sql"),
    ),
    (5, "budgets", include_str!("../migrations/sqlite/0005_budgets.sql")),
    (6, "marks", include_str!("../migrations/sqlite/0006_marks.sql")),
];

/// Ensures that the database is Tokenlatch's and up to date. Writes nothing if it is. Returns `false` if the file is empty
/// and `create` is not set.
pub(super) async fn prepare(connection: &mut SqliteConnection, create: bool) -> Result<bool, StoreError> {
    let (found, known) = (version(connection).await?, newest(STEPS));
    if found > known {
        return Err(StoreError::SchemaNewer { found, known });
    }
    if found == known || (found == 0 && !create) {
        return Ok(found == known);
    }
    // Only one process migrates; the next one finds nothing to do.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrator(STEPS)
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(failure)?;
    transaction.commit().await?;
    Ok(true)
}

/// Returns the version in the file; 0 for an empty one.
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

/// Checks for damage: pages, references, the schema itself, each row.
pub(super) async fn check(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let mut found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut *connection)
        .await?;
    found.retain(|line| line != "ok");
    if !found.is_empty() {
        // The other checks need a readable database.
        return Ok(found);
    }
    let lost = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut *connection)
        .await?;
    if !lost.is_empty() {
        found.push(format!("{} rows refer to missing rows", lost.len()));
    }
    let there = objects(connection).await?;
    let mut fresh = SqliteConnectOptions::new().in_memory(true).connect().await?;
    migrator(STEPS)
        .run_direct(None, &mut fresh, false)
        .await
        .map_err(failure)?;
    let due = objects(&mut fresh).await?;
    let names = |one: &BTreeSet<(String, String)>, other: &BTreeSet<(String, String)>| -> Vec<String> {
        one.difference(other).map(|(name, _)| name.clone()).collect()
    };
    found.extend(
        names(&due, &there)
            .into_iter()
            .map(|name| format!("`{name}`, which guards the data, is missing or was changed")),
    );
    let named: BTreeSet<&String> = due.iter().map(|(name, _)| name).collect();
    found.extend(
        names(&there, &due)
            .into_iter()
            .filter(|name| !named.contains(name))
            .map(|name| format!("`{name}` does not belong to the schema")),
    );
    found.extend(check_rows(connection).await?);
    Ok(found)
}

/// Returns the names and statements of the schema's objects.
async fn objects(connection: &mut SqliteConnection) -> Result<BTreeSet<(String, String)>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().collect())
}
