//! What both kinds of database share of bringing a schema up to date.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::error::StoreError;

/// A step of a schema: its number, what it brings, its statements.
pub(super) type Step = (i64, &'static str, &'static str);

/// The steps as a migrator. It takes no lock of its own: whoever runs it holds one.
pub(super) fn migrator(steps: &[Step]) -> Migrator {
    let migrations = steps
        .iter()
        .map(|(version, title, sql)| {
            Migration::new(
                *version,
                (*title).into(),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.set_locking(false);
    migrator
}

/// The newest version among the steps.
pub(super) fn newest(steps: &[Step]) -> i64 {
    steps.iter().map(|(version, _, _)| *version).max().unwrap_or_default()
}

/// Why a migration failed.
pub(super) fn failure(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        MigrateError::VersionMismatch(version) => StoreError::Corrupt(format!(
            "step {version} of its schema is not the one this program knows"
        )),
        other => StoreError::Failed(other.to_string()),
    }
}
