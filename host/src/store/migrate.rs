//! Schema migration, for both kinds of database.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::error::StoreError;

/// A migration step: its number, its description, its statements.
pub(super) type Step = (i64, &'static str, &'static str);

/// Creates a migrator of these steps. It takes no lock: the caller holds one.
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

/// Returns the newest version among the steps.
pub(super) fn newest(steps: &[Step]) -> i64 {
    steps.iter().map(|(version, _, _)| *version).max().unwrap_or_default()
}

/// Maps the error of a failed migration.
pub(super) fn failure(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        MigrateError::VersionMismatch(version) => {
            StoreError::Corrupt(format!("migration {version} differs from this program's"))
        }
        other => StoreError::Failed(other.to_string()),
    }
}
