//! The schema in a PostgreSQL database: detection, version, migration, check for damage.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::super::database_url::redacted;
use super::super::error::StoreError;
use super::super::migrate::{Step, failure, migrator, newest};
use super::super::sql::check_rows;

/// The steps, each a file in `migrations`, which is run only if it is listed here. A number that one database lacks is a
/// change that only the other needs.
const STEPS: &[Step] = &[
    (
        1,
        "accounts and tokens",
        include_str!("../migrations/postgres/0001_accounts_and_tokens.sql"),
    ),
    (3, "page", include_str!("../migrations/postgres/0003_page.sql")),
    (
        4,
        "usage batches",
        include_str!("../migrations/postgres/0004_usage_batches.sql"),
    ),
    (5, "budgets", include_str!("../migrations/postgres/0005_budgets.sql")),
    (6, "marks", include_str!("../migrations/postgres/0006_marks.sql")),
];

/// The advisory lock for servers that start at the same time. "TLCH" twice.
const LOCK: i64 = 0x544c_4348_544c_4348;

/// Ensures that the schema is Tokenlatch's and up to date. Writes nothing if it is.
pub(super) async fn prepare(connection: &mut PgConnection, create: bool) -> Result<(), StoreError> {
    if is_ready(connection).await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    // Another server may have migrated it in the meantime.
    if is_ready(&mut transaction).await? {
        return Ok(());
    }
    if !create && version(&mut transaction).await?.is_none() {
        return Err(StoreError::Missing(redacted("postgres://")));
    }
    sqlx::query("CREATE SCHEMA IF NOT EXISTS tokenlatch")
        .execute(&mut *transaction)
        .await?;
    migrator(STEPS)
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(failure)?;
    transaction.commit().await?;
    Ok(())
}

async fn is_ready(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let known = newest(STEPS);
    match version(connection).await? {
        Some(found) if found > known => Err(StoreError::SchemaNewer { found, known }),
        found => Ok(found == Some(known)),
    }
}

/// Returns the schema's version in the database, if any.
async fn version(connection: &mut PgConnection) -> Result<Option<i64>, StoreError> {
    let (ours, others): (bool, bool) = sqlx::query_as(
        "SELECT to_regclass('tokenlatch._sqlx_migrations') IS NOT NULL, \
         EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tokenlatch')",
    )
    .fetch_one(&mut *connection)
    .await?;
    match (ours, others) {
        (false, true) => Err(StoreError::Foreign),
        (false, false) => Ok(None),
        (true, _) => Ok(
            sqlx::query_scalar("SELECT max(version) FROM tokenlatch._sqlx_migrations WHERE success")
                .fetch_one(connection)
                .await?,
        ),
    }
}

/// Checks for damage: the guards, references, each row.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    sqlx::query("SET statement_timeout = 0")
        .execute(&mut *connection)
        .await?;
    let guards = guards(connection).await?;
    for name in guard_names() {
        if !guards.iter().any(|(found, sound)| *found == name && *sound) {
            found.push(format!("`{name}`, which guards the data, is missing or was changed"));
        }
    }
    found.extend(check_rows(connection).await?);
    sqlx::query("RESET statement_timeout").execute(&mut *connection).await?;
    Ok(found)
}

/// Ensures that every trigger exists. A restore creates them last, so without them tables may lack rows that nothing else
/// shows to be missing.
pub(super) async fn require_triggers(connection: &mut PgConnection) -> Result<(), StoreError> {
    let there: Vec<String> = sqlx::query_scalar(
        "SELECT t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tokenlatch' AND NOT t.tgisinternal",
    )
    .fetch_all(connection)
    .await?;
    let complete = names_after(&["CREATE TRIGGER "])
        .iter()
        .all(|name| there.contains(name));
    complete.then_some(()).ok_or(StoreError::Incomplete)
}

/// Returns the names of the tables, triggers, unique indexes and functions in the migration steps.
fn guard_names() -> Vec<String> {
    names_after(&[
        "CREATE TRIGGER ",
        "CREATE UNIQUE INDEX ",
        "CREATE TABLE tokenlatch.",
        "CREATE FUNCTION tokenlatch.",
    ])
}

/// Returns the names that follow these keywords in the steps.
fn names_after(words: &[&str]) -> Vec<String> {
    STEPS
        .iter()
        .flat_map(|(_, _, sql)| sql.lines())
        .filter_map(|line| words.iter().find_map(|before| line.strip_prefix(before)))
        .filter_map(|rest| rest.split([' ', '(']).next())
        .map(str::to_owned)
        .collect()
}

/// Returns the names in the database, and whether each is in force as the steps created it.
async fn guards(connection: &mut PgConnection) -> Result<Vec<(String, bool)>, StoreError> {
    let mut guards: Vec<(String, bool)> = sqlx::query_as(
        "SELECT t.tgname::text, t.tgenabled = 'O' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tokenlatch' AND NOT t.tgisinternal \
         UNION ALL SELECT c.relname::text, i.indisunique AND i.indisvalid AND i.indislive FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'tokenlatch' \
         UNION ALL SELECT c.relname::text, true FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'tokenlatch' AND c.relkind = 'r'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let functions: Vec<(String, String)> = sqlx::query_as(
        "SELECT p.proname::text, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE n.nspname = 'tokenlatch'",
    )
    .fetch_all(connection)
    .await?;
    for (name, body) in functions {
        let sound = STEPS.iter().any(|(_, _, sql)| sql.contains(&body));
        guards.push((name, sound));
    }
    Ok(guards)
}
