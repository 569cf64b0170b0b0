//! The page's data in a PostgreSQL database.

use sqlx::{AssertSqlSafe, Postgres, Transaction};

use super::super::error::StoreError;
use super::super::page::{
    self, Dialect, MOST_USES, in_order, read_keys, read_numbered, read_session, read_usage, to_count,
};
use super::super::record::StoredToken;
use super::super::rows::{Columns, read_token};
use super::super::session::StoredSession;
use super::super::sql;
use super::super::token_page::{PageQuery, TokenPage};
use super::super::usage::{TokenKeys, Usage, UsageBatch};
use super::{PATIENCE, PostgresStore, searchable};

/// The number of rows in one statement.
const BATCH: usize = 2_000;

pub(super) async fn tokens(store: &PostgresStore, user: &str, query: &PageQuery) -> Result<TokenPage, StoreError> {
    let part = query.part().map(|part| searchable(&part));
    let (total, numbers, rows) = store
        .reading(PATIENCE, async {
            // One snapshot, so that the count matches the tokens.
            let mut transaction = store.read().await?;
            let mut count = sqlx::query(AssertSqlSafe(query.count(Dialect::Postgres))).bind(searchable(user));
            if let Some(part) = &part {
                count = count.bind(part);
            }
            let total = count
                .fetch_one(&mut *transaction)
                .await?
                .number("total")?
                .unsigned_abs();
            let Some((end, limit, offset)) = query.bounds(total) else {
                return Ok((total, Vec::new(), Vec::new()));
            };
            let mut numbers = sqlx::query_scalar(AssertSqlSafe(query.numbers(end, Dialect::Postgres)))
                .bind(searchable(user))
                .bind(limit)
                .bind(offset);
            if let Some(part) = &part {
                numbers = numbers.bind(part);
            }
            let numbers = end.ordered(numbers.fetch_all(&mut *transaction).await?);
            let rows = sqlx::query(AssertSqlSafe(format!("{} WHERE t.seq = ANY ($1)", sql::NUMBERED_TOKEN)))
                .bind(&numbers)
                .fetch_all(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok((total, numbers, rows))
        })
        .await?;
    let tokens = rows.iter().map(read_numbered).collect::<Result<_, _>>()?;
    Ok(TokenPage {
        tokens: in_order(&numbers, tokens),
        total,
    })
}

pub(super) async fn tokens_with_ids(
    store: &PostgresStore,
    user: &str,
    ids: &[String],
) -> Result<Vec<StoredToken>, StoreError> {
    let query = AssertSqlSafe(format!(
        "{} {} AND t.revoked IS NULL AND t.id = ANY ($2)",
        sql::TOKEN,
        sql::OF_USER
    ));
    let ids: Vec<String> = ids.iter().map(|id| searchable(id)).collect();
    let rows = store.reading(PATIENCE, async {
        let query = sqlx::query(query).bind(searchable(user)).bind(ids);
        Ok(query.fetch_all(&mut *store.connection().await?).await?)
    });
    rows.await?.iter().map(read_token).collect()
}

/// Locks the account's row while the session is added, so that neither misses the other's change.
pub(super) async fn add_session(store: &PostgresStore, session: &StoredSession) -> Result<bool, StoreError> {
    let statement = AssertSqlSafe(format!("{} FOR SHARE OF a", page::ADD_SESSION));
    let query = sqlx::query(statement)
        .bind(searchable(&session.user))
        .bind(&session.key)
        .bind(&session.data)
        .bind(session.ends);
    let _turn = store.writers.turn().await?;
    let done = store
        .bounded(PATIENCE, async {
            Ok(query.execute(&mut *store.connection().await?).await)
        })
        .await?;
    page::added(done.map(|done| done.rows_affected()), &session.user)
}

pub(super) async fn session(store: &PostgresStore, key: &str) -> Result<Option<StoredSession>, StoreError> {
    let row = store.reading(PATIENCE, async {
        let query = sqlx::query(page::SESSION).bind(searchable(key));
        Ok(query.fetch_optional(&mut *store.connection().await?).await?)
    });
    row.await?.as_ref().map(read_session).transpose()
}

pub(super) async fn change_session(store: &PostgresStore, session: &StoredSession) -> Result<bool, StoreError> {
    let query = sqlx::query(page::CHANGE_SESSION)
        .bind(searchable(&session.user))
        .bind(searchable(&session.key))
        .bind(&session.data)
        .bind(session.ends);
    Ok(writing(store, query).await? == 1)
}

pub(super) async fn remove_session(store: &PostgresStore, key: &str) -> Result<(), StoreError> {
    let query = sqlx::query(page::REMOVE_SESSION).bind(searchable(key));
    writing(store, query).await.map(drop)
}

pub(super) async fn spend_form(store: &PostgresStore, key: &str, ends: i64) -> Result<bool, StoreError> {
    let query = sqlx::query(page::SPEND_FORM).bind(key).bind(ends);
    Ok(writing(store, query).await? == 1)
}

pub(super) async fn prune(store: &PostgresStore, now: i64) -> Result<(), StoreError> {
    for statement in page::TIDY {
        writing(store, sqlx::query(statement).bind(now)).await?;
    }
    Ok(())
}

/// Updates tokens in the order of their ids, so that servers never deadlock.
pub(super) async fn add_usage(store: &PostgresStore, usage: &[Usage]) -> Result<(), StoreError> {
    if usage.is_empty() {
        return Ok(());
    }
    let _turn = store.writers.turn().await?;
    store
        .bounded(PATIENCE, async {
            let mut transaction = store.begin("BEGIN").await?;
            count(&mut transaction, usage).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
}

pub(super) async fn add_usage_batch(
    store: &PostgresStore,
    batch: &UsageBatch,
    usage: &[Usage],
) -> Result<bool, StoreError> {
    let _turn = store.writers.turn().await?;
    store
        .bounded(PATIENCE, async {
            let mut transaction = store.begin("BEGIN").await?;
            let noted = sqlx::query(page::NOTE_BATCH)
                .bind(&batch.follower)
                .bind(batch.number)
                .bind(batch.seen)
                .execute(&mut *transaction)
                .await?;
            if noted.rows_affected() == 0 {
                return Ok(false);
            }
            count(&mut transaction, usage).await?;
            transaction.commit().await?;
            // In a transaction of its own: it must not wait for a sender's row while it holds others.
            sqlx::query(page::FORGET_SENDERS)
                .bind(batch.forgotten())
                .execute(&mut *store.connection().await?)
                .await?;
            Ok(true)
        })
        .await
}

async fn count(transaction: &mut Transaction<'_, Postgres>, usage: &[Usage]) -> Result<(), StoreError> {
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
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

pub(super) async fn token_keys(store: &PostgresStore, keys: &[String]) -> Result<Vec<TokenKeys>, StoreError> {
    let keys: Vec<String> = keys.iter().map(|key| searchable(key)).collect();
    let rows = store.reading(PATIENCE, async {
        Ok(sqlx::query(
            "SELECT t.id, t.hash, t.created FROM tokens t WHERE t.id = ANY ($1) UNION \
             SELECT t.id, t.hash, t.created FROM tokens t WHERE t.hash = ANY ($1)",
        )
        .bind(keys)
        .fetch_all(&mut *store.connection().await?)
        .await?)
    });
    rows.await?.iter().map(read_keys).collect()
}

pub(super) async fn usage(store: &PostgresStore, ids: &[String]) -> Result<Vec<Usage>, StoreError> {
    let ids: Vec<String> = ids.iter().map(|id| searchable(id)).collect();
    let rows = store.reading(PATIENCE, async {
        Ok(sqlx::query(
            "SELECT t.id, u.last_used, u.uses FROM tokens t JOIN token_usage u ON u.token = t.seq \
             WHERE t.id = ANY ($1)",
        )
        .bind(ids)
        .fetch_all(&mut *store.connection().await?)
        .await?)
    });
    rows.await?.iter().map(read_usage).collect()
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Runs a write that does not count as a change, so it does not lock the state row.
async fn writing(store: &PostgresStore, query: Query<'_>) -> Result<u64, StoreError> {
    let _turn = store.writers.turn().await?;
    store
        .bounded(PATIENCE, async {
            Ok(query.execute(&mut *store.connection().await?).await?.rows_affected())
        })
        .await
}
