//! Pruning: deletes tokens that were revoked long ago.

use super::columns::Columns;
use super::connection::SqlConnection;
use super::dialect::Dialect;
use super::statement::Statement;
use super::store::{Patience, SqlStore};
use crate::store::error::StoreError;

/// How many revoked tokens are deleted in one transaction. Writers wait for each transaction.
const PRUNED_AT_ONCE: i64 = 1_000;

/// The numbers of the first `$2` tokens revoked before `$1`.
const PRUNABLE: &str = "SELECT seq FROM tokens WHERE revoked < $1 ORDER BY revoked LIMIT $2";

/// The statements that delete the tokens `$1`, the last one the tokens themselves.
fn deletions(dialect: Dialect) -> Vec<String> {
    let tables: &[_] = match dialect {
        Dialect::Sqlite => &[("token_usage", "token"), ("token_changes", "token"), ("tokens", "seq")],
        Dialect::Postgres => &[("token_usage", "token"), ("tokens", "seq")],
    };
    let chosen = dialect.one_of("$1");
    let delete = |(table, column): &(&str, &str)| format!("DELETE FROM {table} WHERE {column} {chosen}");
    tables.iter().map(delete).collect()
}

/// Notes what is lost with the tokens `$1`, which were revoked before `$2`.
fn note_pruned(dialect: Dialect) -> String {
    let (largest, chosen) = (dialect.largest(), dialect.one_of("$1"));
    let last = match dialect {
        Dialect::Sqlite => format!("SELECT max(c.revision) FROM token_changes c WHERE c.token {chosen}"),
        Dialect::Postgres => format!("SELECT max(t.changed) FROM tokens t WHERE t.seq {chosen}"),
    };
    format!("UPDATE pruned SET before = {largest}(before, $2), revision = {largest}(revision, coalesce(({last}), 0))")
}

/// Deletes some of the tokens that were revoked before a time, and returns how many.
pub(super) async fn prune_tokens<S: SqlStore>(store: &S, before: i64) -> Result<u64, StoreError> {
    let prunable = |most: i64| Statement::new(PRUNABLE).bind(before).bind(most);
    // Usually there are none, and a write transaction is not needed.
    if store.fetch(prunable(1)).await?.is_empty() {
        return Ok(0);
    }
    store
        .writing(Patience::Request, async {
            let mut transaction = store.begin_change(Patience::Request).await?;
            let rows = transaction.fetch(prunable(PRUNED_AT_ONCE)).await?;
            let tokens: Vec<i64> = rows.iter().map(|row| row.number("seq")).collect::<Result<_, _>>()?;
            let note = Statement::new(note_pruned(S::DIALECT)).bind(&*tokens).bind(before);
            transaction.execute(note).await?;
            for statement in deletions(S::DIALECT) {
                transaction.execute(Statement::new(statement).bind(&*tokens)).await?;
            }
            transaction.commit().await?;
            Ok(tokens.len() as u64)
        })
        .await
}
