//! Runs statements on a connection to a SQLite file.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite};

use crate::store::archive::ArchivedToken;
use crate::store::error::StoreError;
use crate::store::record::Change;
use crate::store::sql::{MOST_USES, SqlConnection, Statement, Value, to_count};
use crate::store::usage::Usage;

/// The number of rows in one statement.
const BATCH: usize = 2_000;

/// Binds a statement. Lists are JSON texts, for `json_each`.
fn bound(statement: Statement) -> Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(statement.sql));
    statement.values.into_iter().fold(query, |query, value| match value {
        Value::Truth(value) => query.bind(value),
        Value::Number(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Key(value) => query.bind(value),
        Value::Numbers(values) => query.bind(serde_json::Value::from(values).to_string()),
        Value::Keys(values) => query.bind(serde_json::Value::from(values).to_string()),
    })
}

impl SqlConnection for SqliteConnection {
    type Row = SqliteRow;

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<SqliteRow>, sqlx::Error> {
        bound(statement).fetch_all(self).await
    }

    async fn execute(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        Ok(bound(statement).execute(self).await?.rows_affected())
    }

    async fn replace_records(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            let statement = Statement::new(
                "UPDATE tokens SET record = $1, revision = revision + 1 \
                 WHERE id = $2 AND revision = $3 AND revoked IS NULL",
            )
            .json(&change.record)?
            .bind(&change.record.id)
            .bind(change.revision);
            if self.execute(statement).await? != 1 {
                return Err(StoreError::Conflict);
            }
        }
        Ok(())
    }

    async fn add_records(&mut self, tokens: &[ArchivedToken]) -> Result<(), StoreError> {
        for new in tokens {
            let statement = Statement::new(
                "INSERT INTO tokens (account, revision, record) SELECT id, $1, $2 FROM accounts WHERE key = $3",
            )
            .bind(new.token.revision)
            .json(&new.token.record)?
            .bind(&new.account);
            if self.execute(statement).await? != 1 {
                return Err(StoreError::AccountUnknown(new.token.record.user.clone()));
            }
        }
        Ok(())
    }

    async fn count_usage(&mut self, usage: &[Usage]) -> Result<(), StoreError> {
        for batch in usage.chunks(BATCH) {
            let batch: Vec<_> = batch
                .iter()
                .map(|used| (&used.id, used.last_used, to_count(used.uses)))
                .collect();
            let statement = Statement::new(
                "INSERT INTO token_usage (token, last_used, uses) \
                 SELECT t.seq, max(json_extract(n.value, '$[1]')), \
                 CAST(min(total(json_extract(n.value, '$[2]')), $2) AS INTEGER) \
                 FROM json_each($1) n CROSS JOIN tokens t WHERE t.id = json_extract(n.value, '$[0]') GROUP BY t.seq \
                 ON CONFLICT (token) DO UPDATE SET last_used = max(last_used, excluded.last_used), \
                 uses = min(uses, $2 - excluded.uses) + excluded.uses",
            );
            self.execute(statement.json(&batch)?.bind(MOST_USES)).await?;
        }
        Ok(())
    }
}
