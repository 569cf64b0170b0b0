//! Runs statements on a connection to a PostgreSQL server.

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

use crate::store::archive::ArchivedToken;
use crate::store::error::StoreError;
use crate::store::record::Change;
use crate::store::sql::{MOST_USES, SqlConnection, Statement, Value, to_count, to_json};
use crate::store::usage::Usage;

/// The number of rows in one statement.
const BATCH: usize = 2_000;

/// Makes a text searchable. PostgreSQL refuses NUL; users and names contain neither NUL nor the character put in its place.
fn searchable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Binds a statement. Lists are arrays.
fn bound(statement: Statement) -> Query<'static, Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(statement.sql));
    statement.values.into_iter().fold(query, |query, value| match value {
        Value::Truth(value) => query.bind(value),
        Value::Number(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Key(value) => query.bind(searchable(&value)),
        Value::Numbers(values) => query.bind(values),
        Value::Keys(values) => query.bind(values.iter().map(|value| searchable(value)).collect::<Vec<_>>()),
    })
}

impl SqlConnection for PgConnection {
    type Row = PgRow;

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<PgRow>, sqlx::Error> {
        bound(statement).fetch_all(self).await
    }

    async fn execute(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        Ok(bound(statement).execute(self).await?.rows_affected())
    }

    async fn replace_records(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        for batch in changes.chunks(BATCH) {
            let ids: Vec<&str> = batch.iter().map(|change| change.record.id.as_str()).collect();
            let done = write_records(
                self,
                "UPDATE tokens t SET record = n.record::jsonb, revision = t.revision + 1 \
                 FROM unnest($1::text[], $2::bigint[], $3::text[]) AS n (id, revision, record) \
                 WHERE t.id = n.id AND t.revision = n.revision AND t.revoked IS NULL",
                ids,
                batch.iter(),
            );
            if done.await? != batch.len() as u64 {
                return Err(StoreError::Conflict);
            }
        }
        Ok(())
    }

    async fn add_records(&mut self, tokens: &[ArchivedToken]) -> Result<(), StoreError> {
        for batch in tokens.chunks(BATCH) {
            let keys: Vec<&str> = batch.iter().map(|new| new.account.as_str()).collect();
            let done = write_records(
                self,
                "INSERT INTO tokens (account, revision, changed, record) \
                 SELECT a.id, n.revision, 0, n.record::jsonb \
                 FROM unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY AS n (key, revision, record, place) \
                 JOIN accounts a ON a.key = n.key ORDER BY n.place",
                keys,
                batch.iter().map(|new| &new.token),
            );
            if done.await? != batch.len() as u64 {
                return Err(StoreError::AccountUnknown(String::new()));
            }
        }
        Ok(())
    }

    /// Updates tokens in the order of their ids, so that servers never deadlock.
    async fn count_usage(&mut self, usage: &[Usage]) -> Result<(), StoreError> {
        let mut ordered: Vec<&Usage> = usage.iter().collect();
        ordered.sort_by(|one, other| one.id.cmp(&other.id));
        for batch in ordered.chunks(BATCH) {
            let ids: Vec<String> = batch.iter().map(|used| searchable(&used.id)).collect();
            let last: Vec<i64> = batch.iter().map(|used| used.last_used).collect();
            let uses: Vec<i64> = batch.iter().map(|used| to_count(used.uses)).collect();
            sqlx::query(
                "INSERT INTO token_usage AS u (token, last_used, uses) \
                 SELECT t.seq, max(n.last_used), CAST(least(sum(n.uses), $4::bigint) AS bigint) \
                 FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS n (id, last_used, uses) \
                 JOIN tokens t ON t.id = n.id GROUP BY t.seq, t.id ORDER BY t.id \
                 ON CONFLICT (token) DO UPDATE SET last_used = greatest(u.last_used, excluded.last_used), \
                 uses = least(u.uses, $4::bigint - excluded.uses) + excluded.uses",
            )
            .bind(ids)
            .bind(last)
            .bind(uses)
            .bind(MOST_USES)
            .execute(&mut *self)
            .await?;
        }
        Ok(())
    }
}

/// Runs a statement on arrays: a key for each record, its revision, and the record. Returns the number of changed rows.
async fn write_records(
    connection: &mut PgConnection,
    statement: &'static str,
    keys: Vec<&str>,
    tokens: impl Iterator<Item = &Change> + Clone,
) -> Result<u64, StoreError> {
    let revisions: Vec<i64> = tokens.clone().map(|token| token.revision).collect();
    let records = tokens
        .map(|token| to_json(&token.record))
        .collect::<Result<Vec<_>, _>>()?;
    let query = sqlx::query(statement).bind(keys).bind(revisions).bind(records);
    Ok(query.execute(connection).await?.rows_affected())
}
