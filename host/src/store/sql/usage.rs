//! The usage of tokens.

use async_trait::async_trait;
use tokenlatch_core::MAX_SAFE_INTEGER;

use super::columns::Columns;
use super::connection::SqlConnection;
use super::statement::Statement;
use super::store::{Patience, SqlStore};
use crate::store::error::StoreError;
use crate::store::usage::{TokenKeys, Usage, UsageBatch, UsageStore};

/// The largest stored number of uses. Further uses are not counted, so no sum overflows.
pub(in crate::store) const MOST_USES: i64 = MAX_SAFE_INTEGER;

/// Notes a sender's number. Changes no row if it, or one of the 1,000 after it, was noted before. An older number cannot belong
/// to a pending report: the sender has restarted its numbering, or one number was wrong and must not block all later ones.
const NOTE_BATCH: &str = "INSERT INTO usage_batches (follower, batch, seen) VALUES ($1, $2, $3) \
    ON CONFLICT (follower) DO UPDATE SET batch = excluded.batch, seen = excluded.seen \
    WHERE usage_batches.batch < excluded.batch OR usage_batches.batch - 1000 > excluded.batch";

/// Forgets senders last heard of before `$1`.
const FORGET_SENDERS: &str = "DELETE FROM usage_batches WHERE seen < $1";

/// Converts a count to the database's type.
pub(in crate::store) fn to_count(uses: u64) -> i64 {
    i64::try_from(uses).map_or(MOST_USES, |uses| uses.min(MOST_USES))
}

fn read_keys(row: &impl Columns) -> Result<TokenKeys, StoreError> {
    Ok(TokenKeys {
        id: row.text("id")?,
        hash: row.text("hash")?,
        created: row.number("created")?,
    })
}

fn read_usage(row: &impl Columns) -> Result<Usage, StoreError> {
    Ok(Usage {
        id: row.text("id")?,
        last_used: row.number("last_used")?,
        uses: row.number("uses")?.unsigned_abs(),
    })
}

#[async_trait]
impl<S: SqlStore> UsageStore for S {
    async fn add_usage(&self, usage: &[Usage]) -> Result<(), StoreError> {
        if usage.is_empty() {
            return Ok(());
        }
        self.writing(Patience::Request, async {
            let mut transaction = self.begin_write().await?;
            transaction.count_usage(usage).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    async fn add_usage_batch(&self, batch: &UsageBatch, usage: &[Usage]) -> Result<bool, StoreError> {
        self.writing(Patience::Request, async {
            let mut transaction = self.begin_write().await?;
            let note = Statement::new(NOTE_BATCH)
                .bind(&batch.follower)
                .bind(batch.number)
                .bind(batch.seen);
            if transaction.execute(note).await? == 0 {
                return Ok(false);
            }
            transaction.count_usage(usage).await?;
            transaction.commit().await?;
            // In a transaction of its own: it must not wait for a sender's row while it holds others. The batch is stored, so a
            // failure is no failure of it; the next batch tries again.
            let forget = Statement::new(FORGET_SENDERS).bind(batch.forgotten());
            if let Ok(mut connection) = self.connection().await {
                let _ = connection.execute(forget).await;
            }
            Ok(true)
        })
        .await
    }

    async fn token_keys(&self, keys: &[String]) -> Result<Vec<TokenKeys>, StoreError> {
        let chosen = S::DIALECT.one_of("$1");
        let sql = format!(
            "SELECT t.id, t.hash, t.created FROM tokens t WHERE t.id {chosen} UNION \
             SELECT t.id, t.hash, t.created FROM tokens t WHERE t.hash {chosen}"
        );
        let rows = self.fetch(Statement::new(sql).keys(keys)).await?;
        rows.iter().map(read_keys).collect()
    }

    async fn usage(&self, ids: &[String]) -> Result<Vec<Usage>, StoreError> {
        let chosen = S::DIALECT.one_of("$1");
        let sql = format!(
            "SELECT t.id, u.last_used, u.uses FROM tokens t JOIN token_usage u ON u.token = t.seq WHERE t.id {chosen}"
        );
        let rows = self.fetch(Statement::new(sql).keys(ids)).await?;
        rows.iter().map(read_usage).collect()
    }
}
