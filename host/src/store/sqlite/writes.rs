//! The parts of transactions in SQLite.

use sqlx::sqlite::SqliteConnection;

use super::super::account::{NewAccount, PasswordHash};
use super::super::archive::ArchivedToken;
use super::super::error::StoreError;
use super::super::record::Change;
use super::super::rows::to_json;
use super::super::sql;

pub(super) async fn add_account(
    connection: &mut SqliteConnection,
    new: &NewAccount,
    created: i64,
    removed: Option<i64>,
) -> Result<(), StoreError> {
    sqlx::query(sql::ADD_ACCOUNT)
        .bind(&new.key)
        .bind(&new.account.user)
        .bind(new.account.suspended)
        .bind(to_json(&new.account.features)?)
        .bind(created)
        .bind(removed)
        .bind(new.policy.max_lifetime)
        .bind(new.policy.expiry_required)
        .bind(to_json(&new.policy.caps)?)
        .bind(new.password.as_ref().map(PasswordHash::expose))
        .bind(new.account.administrator)
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds a token to the account with its key.
pub(super) async fn add_token(connection: &mut SqliteConnection, new: &ArchivedToken) -> Result<(), StoreError> {
    let done =
        sqlx::query("INSERT INTO tokens (account, revision, record) SELECT id, $1, $2 FROM accounts WHERE key = $3")
            .bind(new.token.revision)
            .bind(to_json(&new.token.record)?)
            .bind(&new.account)
            .execute(connection)
            .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::AccountUnknown(new.token.record.user.clone()))
    }
}

/// Replaces each record if it is still the one that the change was made from.
pub(super) async fn change(connection: &mut SqliteConnection, changes: &[Change]) -> Result<(), StoreError> {
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
