//! Accounts.

use async_trait::async_trait;
use tokenlatch_core::{Account, Features, Policy};

use super::columns::Columns;
use super::connection::SqlConnection;
use super::dialect::Dialect;
use super::statement::Statement;
use super::store::{Patience, SqlStore};
use crate::store::account::{AccountStore, NewAccount, PasswordHash, Settings, StoredAccount};
use crate::store::error::StoreError;
use crate::store::record::Change;

/// The columns of an account, as [`read_settings`] reads them.
pub(super) const SETTINGS: &str = "SELECT a.key, a.\"user\", a.suspended, a.features, a.created, a.removed, \
    a.max_lifetime, a.expiry_required, a.caps, a.password, a.administrator FROM accounts a";

/// An account and the number of its live tokens.
const ACCOUNTS: &str = "SELECT a.key, a.\"user\", a.suspended, a.features, a.created, a.removed, \
    a.max_lifetime, a.expiry_required, a.caps, a.password, a.administrator, \
    CAST(coalesce((SELECT sum(c.live) FROM token_counts c WHERE c.account = a.id), 0) AS BIGINT) AS live_tokens \
    FROM accounts a WHERE a.removed IS NULL";

const SET_SUSPENDED: &str = "UPDATE accounts SET suspended = $1 WHERE \"user\" = $2 AND removed IS NULL";

const SET_FEATURES: &str = "UPDATE accounts SET features = $1 WHERE \"user\" = $2 AND removed IS NULL";

const SET_POLICY: &str = "UPDATE accounts SET max_lifetime = $1, expiry_required = $2, caps = $3 \
    WHERE \"user\" = $4 AND removed IS NULL";

const SET_PASSWORD: &str = "UPDATE accounts SET password = $1 WHERE \"user\" = $2 AND removed IS NULL";

const SET_ADMINISTRATOR: &str = "UPDATE accounts SET administrator = $1 WHERE \"user\" = $2 AND removed IS NULL";

const PASSWORD: &str = "SELECT password FROM accounts WHERE \"user\" = $1 AND removed IS NULL";

const RENAME_ACCOUNT: &str = "UPDATE accounts SET \"user\" = $1 WHERE \"user\" = $2 AND removed IS NULL";

const REMOVE_ACCOUNT: &str = "UPDATE accounts SET removed = $1 WHERE \"user\" = $2 AND removed IS NULL";

/// Adds an account that was created and perhaps removed at these times.
pub(super) fn add_account(
    dialect: Dialect,
    new: &NewAccount,
    created: i64,
    removed: Option<i64>,
) -> Result<Statement, StoreError> {
    let (column, value) = dialect.changed_column();
    let sql = format!(
        "INSERT INTO accounts (key, \"user\", suspended, features, created, removed, max_lifetime, expiry_required, \
         caps, password, administrator{column}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11{value})"
    );
    Ok(Statement::new(sql)
        .bind(&new.key)
        .bind(&new.account.user)
        .bind(new.account.suspended)
        .json(&new.account.features)?
        .bind(created)
        .bind(removed)
        .bind(new.policy.max_lifetime)
        .bind(new.policy.expiry_required)
        .json(&new.policy.caps)?
        .bind(new.password.as_ref().map(PasswordHash::expose))
        .bind(new.account.administrator))
}

pub(super) fn read_settings(row: &impl Columns) -> Result<Settings, StoreError> {
    Ok(Settings {
        key: row.text("key")?,
        account: Account {
            user: row.text("user")?,
            suspended: row.truth("suspended")?,
            administrator: row.truth("administrator")?,
            features: serde_json::from_str(&row.text("features")?)
                .map_err(|_| StoreError::Corrupt("an account's features cannot be read".to_owned()))?,
        },
        policy: Policy {
            max_lifetime: row.some_number("max_lifetime")?,
            expiry_required: row.truth("expiry_required")?,
            caps: serde_json::from_str(&row.text("caps")?)
                .map_err(|_| StoreError::Corrupt("an account's caps cannot be read".to_owned()))?,
        },
    })
}

fn read_account(row: &impl Columns) -> Result<StoredAccount, StoreError> {
    let Settings { account, policy, .. } = read_settings(row)?;
    Ok(StoredAccount {
        account,
        policy,
        has_password: row.some_text("password")?.is_some(),
        created: row.number("created")?,
        live_tokens: row.number("live_tokens")?.unsigned_abs(),
    })
}

/// Checks that a statement changed or read the user's live account.
pub(super) fn require_one(rows: u64, user: &str) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::AccountUnknown(user.to_owned()))
    }
}

/// Runs a statement that must change the user's live account.
async fn change_account(store: &impl SqlStore, user: &str, statement: Statement) -> Result<(), StoreError> {
    require_one(store.change(statement).await?, user)
}

#[async_trait]
impl<S: SqlStore> AccountStore for S {
    async fn add_account(&self, account: &NewAccount, now: i64) -> Result<(), StoreError> {
        let statement = add_account(S::DIALECT, account, now, None)?;
        self.change(statement).await.map(drop)
    }

    async fn account(&self, user: &str) -> Result<Option<StoredAccount>, StoreError> {
        let statement = Statement::new(format!("{ACCOUNTS} AND a.\"user\" = $1")).key(user);
        let row = self.fetch_first(statement).await?;
        row.as_ref().map(read_account).transpose()
    }

    async fn settings(&self, user: &str) -> Result<Option<Settings>, StoreError> {
        let sql = format!("{SETTINGS} WHERE a.\"user\" = $1 AND a.removed IS NULL");
        let row = self.fetch_first(Statement::new(sql).key(user)).await?;
        row.as_ref().map(read_settings).transpose()
    }

    async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreError> {
        let statement = Statement::new(format!("{ACCOUNTS} ORDER BY a.\"user\""));
        self.fetch(statement).await?.iter().map(read_account).collect()
    }

    async fn set_suspended(&self, user: &str, suspended: bool) -> Result<(), StoreError> {
        change_account(self, user, Statement::new(SET_SUSPENDED).bind(suspended).bind(user)).await
    }

    async fn set_features(&self, user: &str, features: &Features) -> Result<(), StoreError> {
        change_account(self, user, Statement::new(SET_FEATURES).json(features)?.bind(user)).await
    }

    async fn replace_features(&self, user: &str, was: &Features, features: &Features) -> Result<bool, StoreError> {
        let sql = format!("{SET_FEATURES} AND {}", S::DIALECT.same_json("features", "$3"));
        let statement = Statement::new(sql).json(features)?.bind(user).json(was)?;
        match change_account(self, user, statement).await {
            Err(StoreError::AccountUnknown(_)) if self.settings(user).await?.is_some() => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    async fn set_policy(&self, user: &str, policy: &Policy) -> Result<(), StoreError> {
        let statement = Statement::new(SET_POLICY)
            .bind(policy.max_lifetime)
            .bind(policy.expiry_required)
            .json(&policy.caps)?
            .bind(user);
        change_account(self, user, statement).await
    }

    async fn set_password(&self, user: &str, password: &PasswordHash) -> Result<(), StoreError> {
        change_account(
            self,
            user,
            Statement::new(SET_PASSWORD).bind(password.expose()).bind(user),
        )
        .await
    }

    async fn password(&self, user: &str) -> Result<Option<PasswordHash>, StoreError> {
        let row = self.fetch_first(Statement::new(PASSWORD).key(user)).await?;
        let password = row.map(|row| row.some_text("password")).transpose()?;
        Ok(password.flatten().map(PasswordHash::new))
    }

    async fn set_administrator(&self, user: &str, administrator: bool) -> Result<(), StoreError> {
        let statement = Statement::new(SET_ADMINISTRATOR).bind(administrator).bind(user);
        change_account(self, user, statement).await
    }

    async fn rename_account(&self, user: &str, new_user: &str) -> Result<(), StoreError> {
        change_account(self, user, Statement::new(RENAME_ACCOUNT).bind(new_user).bind(user)).await
    }

    async fn remove_account(&self, user: &str, revoked: &[Change], now: i64) -> Result<(), StoreError> {
        self.writing(Patience::Request, async {
            let mut transaction = self.begin_change(Patience::Request).await?;
            transaction.replace_records(revoked).await?;
            // If a token was created in the meantime and is live, the database refuses this.
            let statement = Statement::new(REMOVE_ACCOUNT).bind(now).bind(user);
            require_one(transaction.execute(statement).await?, user)?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
