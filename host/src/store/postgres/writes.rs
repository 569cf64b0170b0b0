//! The parts of transactions in PostgreSQL.

use sqlx::postgres::PgConnection;

use super::super::account::{NewAccount, PasswordHash};
use super::super::archive::ArchivedToken;
use super::super::error::StoreError;
use super::super::record::Change;
use super::super::rows::to_json;

/// The number of rows in one statement.
const BATCH: usize = 2_000;

pub(super) async fn add_account(
    connection: &mut PgConnection,
    new: &NewAccount,
    created: i64,
    removed: Option<i64>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO accounts (key, \"user\", suspended, features, created, removed, max_lifetime, expiry_required, \
         caps, password, administrator, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)",
    )
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

/// Adds each token to the account with its key.
pub(super) async fn add_tokens(connection: &mut PgConnection, tokens: &[ArchivedToken]) -> Result<(), StoreError> {
    for batch in tokens.chunks(BATCH) {
        let keys: Vec<&str> = batch.iter().map(|new| new.account.as_str()).collect();
        let revisions: Vec<i64> = batch.iter().map(|new| new.token.revision).collect();
        let records = batch
            .iter()
            .map(|new| to_json(&new.token.record))
            .collect::<Result<Vec<_>, _>>()?;
        let done = sqlx::query(
            "INSERT INTO tokens (account, revision, changed, record) \
             SELECT a.id, n.revision, 0, n.record::jsonb \
             FROM unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY AS n (key, revision, record, place) \
             JOIN accounts a ON a.key = n.key ORDER BY n.place",
        )
        .bind(keys)
        .bind(revisions)
        .bind(records)
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() != batch.len() as u64 {
            return Err(StoreError::AccountUnknown(String::new()));
        }
    }
    Ok(())
}

/// Replaces each record if it is still the one that the change was made from.
pub(super) async fn change(connection: &mut PgConnection, changes: &[Change]) -> Result<(), StoreError> {
    for batch in changes.chunks(BATCH) {
        let ids: Vec<&str> = batch.iter().map(|change| change.record.id.as_str()).collect();
        let revisions: Vec<i64> = batch.iter().map(|change| change.revision).collect();
        let records = batch
            .iter()
            .map(|change| to_json(&change.record))
            .collect::<Result<Vec<_>, _>>()?;
        let done = sqlx::query(
            "UPDATE tokens t SET record = n.record::jsonb, revision = t.revision + 1 \
             FROM unnest($1::text[], $2::bigint[], $3::text[]) AS n (id, revision, record) \
             WHERE t.id = n.id AND t.revision = n.revision AND t.revoked IS NULL",
        )
        .bind(ids)
        .bind(revisions)
        .bind(records)
        .execute(&mut *connection)
        .await?;
        if done.rows_affected() != batch.len() as u64 {
            return Err(StoreError::Conflict);
        }
    }
    Ok(())
}
