//! Reads rows of either kind of database.

use serde::Serialize;
use sqlx::{ColumnIndex, Database, Decode, Row, Type};
use tokenlatch_core::{Account, Held, Policy, Record};

use super::account::{NewAccount, PasswordHash, Settings, StoredAccount};
use super::archive::{ArchivedAccount, ArchivedToken};
use super::changes::Changes;
use super::error::StoreError;
use super::record::StoredToken;
use super::revision::{History, Revision, Version};

/// A row whose columns are read by name as text, integers and booleans.
pub(super) trait Columns: Sized {
    fn text(&self, name: &str) -> Result<String, StoreError>;
    fn some_text(&self, name: &str) -> Result<Option<String>, StoreError>;
    fn number(&self, name: &str) -> Result<i64, StoreError>;
    fn some_number(&self, name: &str) -> Result<Option<i64>, StoreError>;
    fn truth(&self, name: &str) -> Result<bool, StoreError>;
}

impl<R> Columns for R
where
    R: Row,
    for<'n> &'n str: ColumnIndex<R>,
    for<'v> String: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    for<'v> Option<String>: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    for<'v> i64: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    for<'v> Option<i64>: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    for<'v> bool: Decode<'v, <R as Row>::Database> + Type<<R as Row>::Database>,
    <R as Row>::Database: Database,
{
    fn text(&self, name: &str) -> Result<String, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn some_text(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn number(&self, name: &str) -> Result<i64, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn some_number(&self, name: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn truth(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.try_get(name)?)
    }
}

pub(super) fn read_revision(row: &impl Columns) -> Result<Revision, StoreError> {
    Ok(Revision {
        epoch: row.number("epoch")?,
        number: row.number("revision")?,
        change: row.number("mark")?,
    })
}

/// Checks whether a revision belongs to the database, from a row of [`super::sql::HISTORY`].
pub(super) fn read_history(row: &impl Columns, since: Revision) -> Result<History, StoreError> {
    Ok(History::of(since, row.number("oldest")?, row.some_number("mark")?))
}

/// Returns the revision of an edge's version if it belongs to the database, from a row of [`super::sql::HISTORY`].
pub(super) fn read_version(row: &impl Columns, version: Version) -> Result<Result<Revision, History>, StoreError> {
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

pub(super) fn read_held(row: &impl Columns) -> Result<Held, StoreError> {
    Ok(Held {
        tokens: row.number("tokens")?,
        last_hour: row.number("last_hour")?,
    })
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

pub(super) fn read_account(row: &impl Columns) -> Result<StoredAccount, StoreError> {
    let Settings { account, policy, .. } = read_settings(row)?;
    Ok(StoredAccount {
        account,
        policy,
        has_password: row.some_text("password")?.is_some(),
        created: row.number("created")?,
        live_tokens: row.number("live_tokens")?.unsigned_abs(),
    })
}

pub(super) fn read_archived_account(row: &impl Columns) -> Result<ArchivedAccount, StoreError> {
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

/// Reads a record and compares it with the columns that were written with it. Refuses a damaged one.
pub(super) fn read_token(row: &impl Columns) -> Result<StoredToken, StoreError> {
    let id = row.text("id")?;
    let damaged = || StoreError::Corrupt(format!("the token `{id}` contradicts itself"));
    let record: Record = serde_json::from_str(&row.text("record")?).map_err(|_| damaged())?;
    let same = record.id == id
        && record.user == row.text("user")?
        && record.name == row.text("name")?
        && record.hash == row.text("hash")?
        && record.created == row.number("created")?
        && record.expires == row.some_number("expires")?
        && record.revoked == row.some_number("revoked")?;
    if !same {
        return Err(damaged());
    }
    Ok(StoredToken {
        record,
        revision: row.number("revision")?,
    })
}

pub(super) fn read_archived_token(row: &impl Columns) -> Result<ArchivedToken, StoreError> {
    Ok(ArchivedToken {
        account: row.text("account_key")?,
        token: read_token(row)?,
    })
}

/// Builds [`Changes`] from rows. Without `newer` the rows are everything, and `revoked` holds the most recently revoked
/// tokens.
pub(super) fn read_changes<R: Columns>(
    revision: Revision,
    history: History,
    newer: Option<i64>,
    accounts: &[R],
    revoked: &[R],
    tokens: &[R],
) -> Result<Changes, StoreError> {
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
            .chain(tokens)
            .map(|row| read_token(row).map(|token| token.record))
            .collect::<Result<_, _>>()?,
    })
}

/// Returns why a token was not added to a user's account. `account` is the key of the intended account, `there` the account
/// that has the user's name.
pub(super) fn not_added(user: String, account: Option<&str>, there: Option<&Settings>) -> StoreError {
    match there {
        // The caps are the only remaining reason.
        Some(there) if account.is_none_or(|account| account == there.key) => StoreError::Conflict,
        _ => StoreError::AccountUnknown(user),
    }
}

/// Checks that an update changed the user's account.
pub(super) fn changed_one(rows: u64, user: &str) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::AccountUnknown(user.to_owned()))
    }
}

pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(error.to_string()))
}
