//! The page's data in a SQLite file.

use sqlx::{AssertSqlSafe, Sqlite, Transaction};

use super::super::error::StoreError;
use super::super::page::{
    self, Dialect, MOST_USES, in_order, read_keys, read_numbered, read_session, read_usage, to_count,
};
use super::super::record::StoredToken;
use super::super::rows::{Columns, read_token, to_json};
use super::super::session::StoredSession;
use super::super::sql;
use super::super::token_page::{PageQuery, TokenPage};
use super::super::usage::{TokenKeys, Usage, UsageBatch};
use super::SqliteStore;

/// The number of rows in one statement.
const BATCH: usize = 2_000;

pub(super) async fn tokens(store: &SqliteStore, user: &str, query: &PageQuery) -> Result<TokenPage, StoreError> {
    let part = query.part();
    // One read transaction, so that the count matches the tokens.
    let mut transaction: Transaction<'_, Sqlite> = store.pool()?.begin().await?;
    let mut count = sqlx::query(AssertSqlSafe(query.count(Dialect::Sqlite))).bind(user);
    if let Some(part) = &part {
        count = count.bind(part);
    }
    let total = count
        .fetch_one(&mut *transaction)
        .await?
        .number("total")?
        .unsigned_abs();
    let Some((end, limit, offset)) = query.bounds(total) else {
        let tokens = Vec::new();
        return Ok(TokenPage { tokens, total });
    };
    let mut numbers = sqlx::query_scalar(AssertSqlSafe(query.numbers(end, Dialect::Sqlite)))
        .bind(user)
        .bind(limit)
        .bind(offset);
    if let Some(part) = &part {
        numbers = numbers.bind(part);
    }
    let numbers = end.ordered(numbers.fetch_all(&mut *transaction).await?);
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{} WHERE t.seq IN (SELECT value FROM json_each($1))",
        sql::NUMBERED_TOKEN
    )))
    .bind(to_json(&numbers)?)
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let tokens = rows.iter().map(read_numbered).collect::<Result<_, _>>()?;
    Ok(TokenPage {
        tokens: in_order(&numbers, tokens),
        total,
    })
}

pub(super) async fn tokens_with_ids(
    store: &SqliteStore,
    user: &str,
    ids: &[String],
) -> Result<Vec<StoredToken>, StoreError> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{} {} AND t.revoked IS NULL AND t.id IN (SELECT value FROM json_each($2))",
        sql::TOKEN,
        sql::OF_USER
    )))
    .bind(user)
    .bind(to_json(ids)?)
    .fetch_all(store.pool()?)
    .await?;
    rows.iter().map(read_token).collect()
}

pub(super) async fn add_session(store: &SqliteStore, session: &StoredSession) -> Result<bool, StoreError> {
    let _turn = store.writers.turn().await?;
    let done = sqlx::query(page::ADD_SESSION)
        .bind(&session.user)
        .bind(&session.key)
        .bind(&session.data)
        .bind(session.ends)
        .execute(store.pool()?)
        .await;
    page::added(done.map(|done| done.rows_affected()), &session.user)
}

pub(super) async fn session(store: &SqliteStore, key: &str) -> Result<Option<StoredSession>, StoreError> {
    let found = sqlx::query(page::SESSION)
        .bind(key)
        .fetch_optional(store.pool()?)
        .await?;
    found.as_ref().map(read_session).transpose()
}

pub(super) async fn change_session(store: &SqliteStore, session: &StoredSession) -> Result<bool, StoreError> {
    let _turn = store.writers.turn().await?;
    let done = sqlx::query(page::CHANGE_SESSION)
        .bind(&session.user)
        .bind(&session.key)
        .bind(&session.data)
        .bind(session.ends)
        .execute(store.pool()?)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn remove_session(store: &SqliteStore, key: &str) -> Result<(), StoreError> {
    let _turn = store.writers.turn().await?;
    sqlx::query(page::REMOVE_SESSION)
        .bind(key)
        .execute(store.pool()?)
        .await?;
    Ok(())
}

pub(super) async fn spend_form(store: &SqliteStore, key: &str, ends: i64) -> Result<bool, StoreError> {
    let _turn = store.writers.turn().await?;
    let done = sqlx::query(page::SPEND_FORM)
        .bind(key)
        .bind(ends)
        .execute(store.pool()?)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn prune(store: &SqliteStore, now: i64) -> Result<(), StoreError> {
    let _turn = store.writers.turn().await?;
    let mut transaction = store.write().await?;
    for statement in page::TIDY {
        sqlx::query(statement).bind(now).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

pub(super) async fn add_usage(store: &SqliteStore, usage: &[Usage]) -> Result<(), StoreError> {
    if usage.is_empty() {
        return Ok(());
    }
    let _turn = store.writers.turn().await?;
    let mut transaction = store.write().await?;
    count(&mut transaction, usage).await?;
    transaction.commit().await?;
    Ok(())
}

pub(super) async fn add_usage_batch(
    store: &SqliteStore,
    batch: &UsageBatch,
    usage: &[Usage],
) -> Result<bool, StoreError> {
    let _turn = store.writers.turn().await?;
    let mut transaction = store.write().await?;
    let noted = sqlx::query(page::NOTE_BATCH)
        .bind(&batch.follower)
        .bind(batch.number)
        .bind(batch.seen)
        .execute(&mut *transaction)
        .await?;
    if noted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(page::FORGET_SENDERS)
        .bind(batch.forgotten())
        .execute(&mut *transaction)
        .await?;
    count(&mut transaction, usage).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn count(transaction: &mut Transaction<'_, Sqlite>, usage: &[Usage]) -> Result<(), StoreError> {
    for batch in usage.chunks(BATCH) {
        let batch: Vec<_> = batch
            .iter()
            .map(|used| (&used.id, used.last_used, to_count(used.uses)))
            .collect();
        sqlx::query(
            "INSERT INTO token_usage (token, last_used, uses) \
             SELECT t.seq, max(json_extract(n.value, '$[1]')), \
             CAST(min(total(json_extract(n.value, '$[2]')), $2) AS INTEGER) \
             FROM json_each($1) n CROSS JOIN tokens t WHERE t.id = json_extract(n.value, '$[0]') GROUP BY t.seq \
             ON CONFLICT (token) DO UPDATE SET last_used = max(last_used, excluded.last_used), \
             uses = min(uses, $2 - excluded.uses) + excluded.uses",
        )
        .bind(to_json(&batch)?)
        .bind(MOST_USES)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

pub(super) async fn token_keys(store: &SqliteStore, keys: &[String]) -> Result<Vec<TokenKeys>, StoreError> {
    let rows = sqlx::query(
        "SELECT t.id, t.hash, t.created FROM tokens t WHERE t.id IN (SELECT value FROM json_each($1)) UNION \
         SELECT t.id, t.hash, t.created FROM tokens t WHERE t.hash IN (SELECT value FROM json_each($1))",
    )
    .bind(to_json(keys)?)
    .fetch_all(store.pool()?)
    .await?;
    rows.iter().map(read_keys).collect()
}

pub(super) async fn usage(store: &SqliteStore, ids: &[String]) -> Result<Vec<Usage>, StoreError> {
    let rows = sqlx::query(
        "SELECT t.id, u.last_used, u.uses FROM tokens t JOIN token_usage u ON u.token = t.seq \
         WHERE t.id IN (SELECT value FROM json_each($1))",
    )
    .bind(to_json(ids)?)
    .fetch_all(store.pool()?)
    .await?;
    rows.iter().map(read_usage).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use sqlx::Row;

    use super::super::super::page::End;
    use super::*;

    #[tokio::test]
    async fn a_page_is_read_from_an_index_of_its_order_and_nothing_is_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.db");
        let store = SqliteStore::open(file.to_str().unwrap(), true).await.unwrap();
        let plan = async |statement: String| -> String {
            let steps = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                .fetch_all(&store.pool)
                .await
                .unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            steps.join("\n")
        };
        for query in page::kinds() {
            for end in [End::First, End::Last] {
                let numbers = plan(query.numbers(end, Dialect::Sqlite)).await;
                assert!(numbers.contains("USING INDEX tokens_by_"), "{query:?}: {numbers}");
                assert!(
                    !numbers.contains("TEMP B-TREE") && !numbers.contains("SCAN"),
                    "{query:?}, {end:?}: {numbers}"
                );
            }
            let count = plan(query.count(Dialect::Sqlite)).await;
            assert!(count.contains("SEARCH c USING PRIMARY KEY"), "{query:?}: {count}");
            assert!(!count.contains("tokens_"), "{query:?}: {count}");
        }
    }
}
