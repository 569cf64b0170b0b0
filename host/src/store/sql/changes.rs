//! Revisions and changes.

use async_trait::async_trait;

use super::accounts::{SETTINGS, read_settings};
use super::columns::Columns;
use super::connection::SqlConnection;
use super::dialect::Dialect;
use super::records::{COLUMNS, read_token};
use super::statement::Statement;
use super::store::{Patience, SqlStore};
use crate::store::changes::{ChangeStore, Changes, KEPT_REVOKED};
use crate::store::error::StoreError;
use crate::store::revision::{History, Revision, RevisionStamp, Version, epoch_step};

pub(in crate::store) const STATE: &str =
    "SELECT s.epoch, s.revision, m.mark FROM state s JOIN marks m ON m.revision = s.revision";

/// The oldest revision whose mark is kept, and the mark of revision `$1`.
const HISTORY: &str = "SELECT (SELECT min(revision) FROM marks) AS oldest, \
    (SELECT mark FROM marks WHERE revision = $1) AS mark";

/// The point up to which revoked tokens may be missing.
pub(super) const PRUNED: &str = "SELECT before, revision FROM pruned";

/// The `$1` most recently revoked tokens, in the order of their revocation.
const NEWLY_REVOKED: &str = "t.seq IN (SELECT seq FROM tokens WHERE revoked IS NOT NULL \
    ORDER BY revoked DESC, seq DESC LIMIT $1) ORDER BY t.revoked, t.seq";

/// Begins an epoch after `$2`, unless the store's epoch is already later.
const EPOCH_AFTER: &str = "UPDATE state SET epoch = $2 + $1, revision = revision + 1 WHERE epoch <= $2";

pub(in crate::store) fn read_revision(row: &impl Columns) -> Result<Revision, StoreError> {
    Ok(Revision {
        epoch: row.number("epoch")?,
        number: row.number("revision")?,
        change: row.number("mark")?,
    })
}

/// Checks whether a revision belongs to the database, from a row of [`HISTORY`].
fn read_history(row: &impl Columns, since: Revision) -> Result<History, StoreError> {
    Ok(History::of(since, row.number("oldest")?, row.some_number("mark")?))
}

/// Returns the revision of an edge's version if it belongs to the database, from a row of [`HISTORY`].
fn read_version(row: &impl Columns, version: Version) -> Result<Result<Revision, History>, StoreError> {
    let oldest = row.number("oldest")?;
    let found = row.some_number("mark")?.map(|change| Revision {
        epoch: version.epoch,
        number: version.number(),
        change,
    });
    Ok(match found {
        Some(revision) if revision.version() == version => Ok(revision),
        None if version.number() < oldest => Err(History::Pruned),
        _ => Err(History::Lost),
    })
}

/// The statements for the accounts and the tokens: those changed after a revision, or all that are in use.
fn selections(dialect: Dialect, newer: Option<i64>) -> (Statement, Statement) {
    let (accounts, tokens) = match (newer, dialect) {
        (None, _) => ("WHERE a.removed IS NULL", "WHERE t.revoked IS NULL ORDER BY t.seq"),
        (Some(_), Dialect::Sqlite) => (
            "JOIN account_changes c ON c.account = a.id WHERE c.revision > $1 AND a.removed IS NULL",
            "JOIN token_changes c ON c.token = t.seq WHERE c.revision > $1",
        ),
        (Some(_), Dialect::Postgres) => ("WHERE a.changed > $1 AND a.removed IS NULL", "WHERE t.changed > $1"),
    };
    let accounts = Statement::new(format!("{SETTINGS} {accounts}"));
    let tokens = Statement::new(format!("SELECT {COLUMNS} FROM tokens t {tokens}"));
    match newer {
        Some(revision) => (accounts.bind(revision), tokens.bind(revision)),
        None => (accounts, tokens),
    }
}

#[async_trait]
impl<S: SqlStore> ChangeStore for S {
    async fn revision(&self) -> Result<Revision, StoreError> {
        self.current_revision().await
    }

    fn stamp(&self) -> Option<RevisionStamp> {
        self.current_stamp()
    }

    async fn changes(&self, since: Option<Revision>) -> Result<Changes, StoreError> {
        self.reading(Patience::Everything, async {
            let mut transaction = self.begin_read().await?;
            let revision = read_revision(&transaction.fetch_one(Statement::new(STATE)).await?)?;
            let pruned = transaction.fetch_one(Statement::new(PRUNED)).await?;
            let history = match since {
                Some(since) => {
                    let history = Statement::new(HISTORY).bind(since.number);
                    read_history(&transaction.fetch_one(history).await?, since)?
                }
                None => History::Known,
            };
            let newer = revision.newer_than(since, history, pruned.number("revision")?);
            if newer.is_none() {
                S::require_complete(&mut transaction).await?;
            }
            let (accounts, tokens) = selections(S::DIALECT, newer);
            let accounts = transaction.fetch(accounts).await?;
            let mut revoked = Vec::new();
            if newer.is_none() {
                let sql = format!("SELECT {COLUMNS} FROM tokens t WHERE {NEWLY_REVOKED}");
                let most = i64::try_from(KEPT_REVOKED).unwrap_or(i64::MAX);
                revoked = transaction.fetch(Statement::new(sql).bind(most)).await?;
            }
            let tokens = transaction.fetch(tokens).await?;
            transaction.commit().await?;
            Ok(Changes {
                revision,
                whole: newer.is_none(),
                history,
                accounts: accounts
                    .iter()
                    .map(|row| read_settings(row).map(|settings| settings.account))
                    .collect::<Result<_, _>>()?,
                records: revoked
                    .iter()
                    .chain(&tokens)
                    .map(|row| read_token(row).map(|token| token.record))
                    .collect::<Result<_, _>>()?,
            })
        })
        .await
    }

    async fn find_version(&self, version: Version) -> Result<Result<Revision, History>, StoreError> {
        let statement = Statement::new(HISTORY).bind(version.number());
        let row = self.fetch_first(statement).await?;
        read_version(&row.ok_or(sqlx::Error::RowNotFound)?, version)
    }

    async fn begin_epoch(&self, known: i64) -> Result<bool, StoreError> {
        let statement = Statement::new(EPOCH_AFTER).bind(epoch_step()?).bind(known);
        Ok(self.change(statement).await? == 1)
    }
}
