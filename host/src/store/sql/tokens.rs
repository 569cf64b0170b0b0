//! Tokens.

use async_trait::async_trait;
use tokenlatch_core::{Caps, Held, Record};

use super::columns::Columns;
use super::connection::SqlConnection;
use super::prune;
use super::records::{COLUMNS, read_token};
use super::statement::Statement;
use super::store::{Patience, SqlStore};
use super::token_page;
use crate::store::account::{AccountStore, Settings};
use crate::store::error::StoreError;
use crate::store::record::{Change, StoredToken};
use crate::store::token::{TokenStore, hour_before};
use crate::store::token_page::{PageQuery, TokenPage};

/// Joins a token to the live account of a user, `$1`.
const OF_USER: &str = "JOIN accounts a ON a.id = t.account WHERE a.\"user\" = $1 AND a.removed IS NULL";

/// Counts what the caps limit: tokens that are not revoked, and those created since `$2`, up to `$3`.
const HELD: &str = "SELECT \
    CAST(coalesce((SELECT sum(c.live) FROM token_counts c WHERE c.account = a.id), 0) AS BIGINT) AS tokens, \
    (SELECT count(*) FROM (SELECT 1 FROM tokens t WHERE t.account = a.id AND t.created > $2 LIMIT $3) n) AS last_hour \
    FROM accounts a WHERE a.\"user\" = $1 AND a.removed IS NULL";

/// Restricts an insertion to an account with fewer than `$4` tokens, and fewer than `$6` created since `$5`.
const WITHIN_CAPS: &str = "CAST(coalesce((SELECT sum(c.live) FROM token_counts c \
    WHERE c.account = accounts.id), 0) AS BIGINT) < $4 AND (SELECT count(*) FROM (SELECT 1 FROM tokens t \
    WHERE t.account = accounts.id AND t.created > $5 LIMIT $6) n) < $6";

fn read_held(row: &impl Columns) -> Result<Held, StoreError> {
    Ok(Held {
        tokens: row.number("tokens")?,
        last_hour: row.number("last_hour")?,
    })
}

/// Returns why a token was not added to a user's account. `account` is the key of the intended account, `there` the account
/// that has the user's name.
fn not_added(user: &str, account: Option<&str>, there: Option<&Settings>) -> StoreError {
    match there {
        // The caps are the only remaining reason.
        Some(there) if account.is_none_or(|account| account == there.key) => StoreError::Conflict,
        _ => StoreError::AccountUnknown(user.to_owned()),
    }
}

async fn tokens_where(store: &impl SqlStore, user: &str, condition: &str) -> Result<Vec<StoredToken>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tokens t {OF_USER} {condition} ORDER BY t.seq");
    let rows = store.fetch(Statement::new(sql).key(user)).await?;
    rows.iter().map(read_token).collect()
}

/// Returns a user's live tokens that have one of these values in a column.
async fn live_tokens_with<S: SqlStore>(
    store: &S,
    user: &str,
    column: &str,
    values: &[String],
) -> Result<Vec<StoredToken>, StoreError> {
    let chosen = S::DIALECT.one_of("$2");
    let sql = format!("SELECT {COLUMNS} FROM tokens t {OF_USER} AND t.revoked IS NULL AND {column} {chosen}");
    let rows = store.fetch(Statement::new(sql).key(user).keys(values)).await?;
    rows.iter().map(read_token).collect()
}

#[async_trait]
impl<S: SqlStore> TokenStore for S {
    async fn held(&self, user: &str, since: i64, most: i64) -> Result<Option<Held>, StoreError> {
        let row = self
            .fetch_first(Statement::new(HELD).key(user).bind(since).bind(most))
            .await?;
        row.as_ref().map(read_held).transpose()
    }

    async fn add_token(&self, record: &Record, account: Option<&str>, caps: Caps) -> Result<(), StoreError> {
        let (column, value) = S::DIALECT.changed_column();
        let sql = format!(
            "INSERT INTO tokens (account, record{column}) SELECT id, {}{value} FROM accounts \
             WHERE \"user\" = $2 AND removed IS NULL AND key = coalesce($3, key) AND {WITHIN_CAPS}",
            S::DIALECT.to_record("$1")
        );
        let statement = Statement::new(sql)
            .json(record)?
            .bind(&record.user)
            .bind(account)
            .bind(caps.tokens())
            .bind(hour_before(record.created))
            .bind(caps.tokens_per_hour());
        if self.change(statement).await? == 1 {
            return Ok(());
        }
        let there = self.settings(&record.user).await?;
        Err(not_added(&record.user, account, there.as_ref()))
    }

    async fn tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError> {
        tokens_where(self, user, "").await
    }

    async fn live_tokens(&self, user: &str) -> Result<Vec<StoredToken>, StoreError> {
        tokens_where(self, user, "AND t.revoked IS NULL").await
    }

    async fn tokens_named(&self, user: &str, names: &[String]) -> Result<Vec<StoredToken>, StoreError> {
        live_tokens_with(self, user, "t.name", names).await
    }

    async fn token_by_hashes(&self, hashes: &[String]) -> Result<Option<Record>, StoreError> {
        let chosen = S::DIALECT.one_of("$1");
        let sql = format!("SELECT {COLUMNS} FROM tokens t WHERE t.hash {chosen} LIMIT 1");
        let row = self.fetch_first(Statement::new(sql).keys(hashes)).await?;
        let token = row.as_ref().map(read_token).transpose()?;
        Ok(token.map(|token| token.record))
    }

    async fn change_tokens(&self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.writing(Patience::Request, async {
            let mut transaction = self.begin_change(Patience::Request).await?;
            transaction.replace_records(changes).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    async fn tokens_page(&self, user: &str, query: &PageQuery) -> Result<TokenPage, StoreError> {
        token_page::read(self, user, query).await
    }

    async fn tokens_with_ids(&self, user: &str, ids: &[String]) -> Result<Vec<StoredToken>, StoreError> {
        live_tokens_with(self, user, "t.id", ids).await
    }

    async fn prune_tokens(&self, before: i64) -> Result<u64, StoreError> {
        prune::prune_tokens(self, before).await
    }
}
