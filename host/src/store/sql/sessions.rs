//! Sessions of the web interface.

use async_trait::async_trait;

use super::accounts::require_one;
use super::columns::Columns;
use super::connection::SqlConnection;
use super::statement::Statement;
use super::store::{Patience, SqlStore};
use crate::store::error::StoreError;
use crate::store::session::{SessionStore, StoredSession};

/// Adds a session to the account of a user, unless it is suspended.
const ADD_SESSION: &str = "INSERT INTO page_sessions (key, account, data, ends) \
    SELECT $2, a.id, $3, $4 FROM accounts a WHERE a.\"user\" = $1 AND a.removed IS NULL AND NOT a.suspended";

const SESSION: &str = "SELECT s.key, a.\"user\", s.data, s.ends FROM page_sessions s \
    JOIN accounts a ON a.id = s.account WHERE s.key = $1";

const CHANGE_SESSION: &str = "UPDATE page_sessions SET data = $3, ends = $4 WHERE key = $2 \
    AND account = (SELECT a.id FROM accounts a WHERE a.\"user\" = $1 AND a.removed IS NULL)";

const REMOVE_SESSION: &str = "DELETE FROM page_sessions WHERE key = $1";

const SPEND_FORM: &str = "INSERT INTO page_forms (key, ends) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";

/// Delete what has ended at `$1`, each in a transaction of its own, so that locks are short.
const PRUNE: [&str; 2] = [
    "DELETE FROM page_sessions WHERE ends <= $1",
    "DELETE FROM page_forms WHERE ends <= $1",
];

fn read_session(row: &impl Columns) -> Result<StoredSession, StoreError> {
    Ok(StoredSession {
        key: row.text("key")?,
        user: row.text("user")?,
        data: row.text("data")?,
        ends: row.number("ends")?,
    })
}

#[async_trait]
impl<S: SqlStore> SessionStore for S {
    async fn add_session(&self, session: &StoredSession) -> Result<bool, StoreError> {
        let statement = Statement::new(format!("{ADD_SESSION}{}", S::DIALECT.locking_accounts()))
            .key(&session.user)
            .bind(&session.key)
            .bind(&session.data)
            .bind(session.ends);
        let added = self.writing(Patience::Request, async {
            Ok(self.connection().await?.execute(statement).await)
        });
        match added.await? {
            Ok(rows) => require_one(rows, &session.user).map(|()| true),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn session(&self, key: &str) -> Result<Option<StoredSession>, StoreError> {
        let row = self.fetch_first(Statement::new(SESSION).key(key)).await?;
        row.as_ref().map(read_session).transpose()
    }

    async fn change_session(&self, session: &StoredSession) -> Result<bool, StoreError> {
        let statement = Statement::new(CHANGE_SESSION)
            .key(&session.user)
            .key(&session.key)
            .bind(&session.data)
            .bind(session.ends);
        Ok(self.write(statement).await? == 1)
    }

    async fn remove_session(&self, key: &str) -> Result<(), StoreError> {
        self.write(Statement::new(REMOVE_SESSION).key(key)).await.map(drop)
    }

    async fn spend_form(&self, key: &str, ends: i64) -> Result<bool, StoreError> {
        Ok(self.write(Statement::new(SPEND_FORM).bind(key).bind(ends)).await? == 1)
    }

    async fn prune_sessions(&self, now: i64) -> Result<(), StoreError> {
        for statement in PRUNE {
            self.write(Statement::new(statement).bind(now)).await?;
        }
        Ok(())
    }
}
