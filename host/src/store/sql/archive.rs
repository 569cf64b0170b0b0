//! The complete content, and its restore.

use async_trait::async_trait;

use super::accounts::{SETTINGS, add_account, read_settings};
use super::changes::{PRUNED, STATE, read_revision};
use super::columns::Columns;
use super::connection::SqlConnection;
use super::records::{COLUMNS, read_token};
use super::statement::Statement;
use super::store::{Patience, SqlStore};
use crate::store::account::{NewAccount, PasswordHash, Settings};
use crate::store::archive::{Archive, ArchiveStore, ArchivedAccount, ArchivedToken, Plan};
use crate::store::error::StoreError;
use crate::store::revision::epoch_step;

const NEW_EPOCH: &str = "UPDATE state SET epoch = epoch + $1, revision = revision + 1";

fn read_archived_account(row: &impl Columns) -> Result<ArchivedAccount, StoreError> {
    let Settings { account, policy, key } = read_settings(row)?;
    Ok(ArchivedAccount {
        account: NewAccount {
            key,
            account,
            policy,
            password: row.some_text("password")?.map(PasswordHash::new),
        },
        created: row.number("created")?,
        removed: row.some_number("removed")?,
    })
}

fn read_archived_token(row: &impl Columns) -> Result<ArchivedToken, StoreError> {
    Ok(ArchivedToken {
        account: row.text("account_key")?,
        token: read_token(row)?,
    })
}

#[async_trait]
impl<S: SqlStore> ArchiveStore for S {
    async fn archive(&self) -> Result<Archive, StoreError> {
        self.reading(Patience::Everything, async {
            let mut transaction = self.begin_read().await?;
            let revision = read_revision(&transaction.fetch_one(Statement::new(STATE)).await?)?;
            let accounts = format!("{SETTINGS} ORDER BY a.id");
            let accounts = transaction.fetch(Statement::new(accounts)).await?;
            let tokens = format!(
                "SELECT {COLUMNS}, a.key AS account_key FROM tokens t JOIN accounts a ON a.id = t.account ORDER BY t.seq"
            );
            let tokens = transaction.fetch(Statement::new(tokens)).await?;
            let pruned = transaction.fetch_one(Statement::new(PRUNED)).await?;
            transaction.commit().await?;
            Ok(Archive {
                revision,
                pruned: pruned.number("before")?,
                accounts: accounts.iter().map(read_archived_account).collect::<Result<_, _>>()?,
                tokens: tokens.iter().map(read_archived_token).collect::<Result<_, _>>()?,
            })
        })
        .await
    }

    async fn apply(&self, plan: &Plan) -> Result<(), StoreError> {
        self.writing(Patience::Everything, async {
            let mut transaction = self.begin_change(Patience::Everything).await?;
            let revision = read_revision(&transaction.fetch_one(Statement::new(STATE)).await?)?;
            if revision != plan.since {
                return Err(StoreError::Conflict);
            }
            // First, because a revocation frees a name.
            transaction.replace_records(&plan.changes).await?;
            for new in &plan.accounts {
                let statement = add_account(S::DIALECT, &new.account, new.created, new.removed)?;
                transaction.execute(statement).await?;
            }
            transaction.add_records(&plan.tokens).await?;
            let pruned = format!("UPDATE pruned SET before = {}(before, $1)", S::DIALECT.largest());
            transaction.execute(Statement::new(pruned).bind(plan.pruned)).await?;
            let epoch = Statement::new(NEW_EPOCH).bind(epoch_step()?);
            transaction.execute(epoch).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
