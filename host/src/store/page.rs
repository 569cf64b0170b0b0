//! Storage for the page: pages of tokens, sessions, token usage.

use std::collections::HashMap;

use tokenlatch_core::{MAX_SAFE_INTEGER, Realm, SortKey};

use super::error::StoreError;
use super::record::StoredToken;
use super::rows::{Columns, changed_one, read_token};
use super::session::StoredSession;
use super::token_page::PageQuery;
use super::usage::{TokenKeys, Usage};

/// The largest stored number of uses. Further uses are not counted, so no sum overflows.
pub(super) const MOST_USES: i64 = MAX_SAFE_INTEGER;

/// Notes a sender's number. Returns no row if it, or one of the 1,000 after it, was noted before. An older number cannot belong
/// to a pending report: the sender has restarted its numbering, or one number was wrong and must not block all later ones.
pub(super) const NOTE_BATCH: &str = "INSERT INTO usage_batches (follower, batch, seen) VALUES ($1, $2, $3) \
    ON CONFLICT (follower) DO UPDATE SET batch = excluded.batch, seen = excluded.seen \
    WHERE usage_batches.batch < excluded.batch OR usage_batches.batch - 1000 > excluded.batch";

/// Forgets senders last heard of before `$1`.
pub(super) const FORGET_SENDERS: &str = "DELETE FROM usage_batches WHERE seen < $1";

/// The end from which an order is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

impl End {
    /// Restores the order of rows that were read from this end.
    pub(super) fn ordered(self, mut numbers: Vec<i64>) -> Vec<i64> {
        if self == End::Last {
            numbers.reverse();
        }
        numbers
    }
}

/// The SQL dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The function that finds one text in another.
    fn within(self) -> &'static str {
        match self {
            Dialect::Sqlite => "instr",
            Dialect::Postgres => "strpos",
        }
    }
}

/// The live account of a user, `$1`.
const ACCOUNT: &str = "(SELECT a.id FROM accounts a WHERE a.\"user\" = $1 AND a.removed IS NULL)";

/// Adds a session to the account of a user, unless it is suspended.
pub(super) const ADD_SESSION: &str = "INSERT INTO page_sessions (key, account, data, ends) \
    SELECT $2, a.id, $3, $4 FROM accounts a WHERE a.\"user\" = $1 AND a.removed IS NULL AND NOT a.suspended";

pub(super) const SESSION: &str = "SELECT s.key, a.\"user\", s.data, s.ends FROM page_sessions s \
    JOIN accounts a ON a.id = s.account WHERE s.key = $1";

pub(super) const CHANGE_SESSION: &str = "UPDATE page_sessions SET data = $3, ends = $4 WHERE key = $2 \
    AND account = (SELECT a.id FROM accounts a WHERE a.\"user\" = $1 AND a.removed IS NULL)";

pub(super) const REMOVE_SESSION: &str = "DELETE FROM page_sessions WHERE key = $1";

pub(super) const SPEND_FORM: &str = "INSERT INTO page_forms (key, ends) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";

/// Deletes what has ended at `$1`.
pub(super) const TIDY: [&str; 2] = [
    "DELETE FROM page_sessions WHERE ends <= $1",
    "DELETE FROM page_forms WHERE ends <= $1",
];

impl PageQuery {
    /// The counting statement: `$1` is the user, `$2` the result of [`PageQuery::part`] if there is one.
    pub(super) fn count(&self, dialect: Dialect) -> String {
        let realms: Vec<String> = self.realms().iter().map(|realm| format!("'{realm}'")).collect();
        let realms = realms.join(", ");
        match self.part() {
            None => format!(
                "SELECT CAST(coalesce(sum(c.live), 0) AS BIGINT) AS total FROM token_counts c \
                 WHERE c.account = {ACCOUNT} AND c.realm IN ({realms})"
            ),
            Some(_) => format!(
                "SELECT count(*) AS total FROM tokens t WHERE t.account = {ACCOUNT} AND t.realm IN ({realms}) \
                 AND t.revoked IS NULL AND {}(lower(t.name), $2) > 0",
                dialect.within()
            ),
        }
    }

    /// The statement that returns the tokens' numbers in order: `$1` is the user, `$2` the limit, `$3` the offset, `$4` the
    /// result of [`PageQuery::part`] if there is one. It reads an index of this order; for both ports it merges two. Skipped
    /// rows are read too, so it starts from the nearer end.
    pub(super) fn numbers(&self, end: End, dialect: Dialect) -> String {
        let order = self.order(end);
        let arms = self.realms().iter().map(|realm| {
            format!(
                "SELECT t.seq AS seq, {} FROM tokens t {}",
                self.columns(),
                self.condition(realm, dialect, "$4")
            )
        });
        match (dialect, self.realm) {
            // Without this the planner sorts all rows until it has statistics on them.
            (Dialect::Postgres, None) => {
                let arms: Vec<String> = arms
                    .map(|arm| format!("({arm} ORDER BY {order} LIMIT $2::bigint + $3::bigint)"))
                    .collect();
                let arms = arms.join(" UNION ALL ");
                format!("SELECT p.seq FROM ({arms}) p ORDER BY {order} LIMIT $2 OFFSET $3")
            }
            _ => {
                let arms: Vec<String> = arms.collect();
                format!("{} ORDER BY {order} LIMIT $2 OFFSET $3", arms.join(" UNION ALL "))
            }
        }
    }

    /// Returns the text to search names for, in lower case.
    pub(super) fn part(&self) -> Option<String> {
        self.search
            .as_ref()
            .filter(|part| !part.is_empty())
            .map(|part| part.to_ascii_lowercase())
    }

    /// Returns the end to read from, with limit and offset as the database takes them; `None` if the offset is beyond the last
    /// token.
    pub(super) fn bounds(&self, total: u64) -> Option<(End, i64, i64)> {
        let limit = self.limit.min(total.checked_sub(self.offset)?);
        let behind = total - self.offset - limit;
        let (end, offset) = if behind < self.offset {
            (End::Last, behind)
        } else {
            (End::First, self.offset)
        };
        let bounds = (end, i64::try_from(limit).ok()?, i64::try_from(offset).ok()?);
        (limit > 0).then_some(bounds)
    }

    fn realms(&self) -> &'static [&'static str] {
        match self.realm {
            None => &["account", "admin"],
            Some(Realm::Account) => &["account"],
            Some(Realm::Admin) => &["admin"],
        }
    }

    /// The columns of the order. Names are unique among an account's live tokens.
    fn columns(&self) -> &'static str {
        match self.sort {
            SortKey::Name => "t.name AS place",
            SortKey::Created => "t.created AS place, t.id AS id",
            SortKey::Expires => "t.expires AS place, t.id AS id",
        }
    }

    /// The order of the module's `list`.
    fn order(&self, end: End) -> &'static str {
        match (self.sort, self.descending, end) {
            (SortKey::Name, false, End::First) | (SortKey::Name, true, End::Last) => "place",
            (SortKey::Name, true, End::First) | (SortKey::Name, false, End::Last) => "place DESC",
            (SortKey::Created, false, End::First) => "place, id",
            (SortKey::Created, false, End::Last) => "place DESC, id DESC",
            (SortKey::Created, true, End::First) => "place DESC, id",
            (SortKey::Created, true, End::Last) => "place, id DESC",
            (SortKey::Expires, false, End::First) => "place NULLS LAST, id",
            (SortKey::Expires, false, End::Last) => "place DESC NULLS FIRST, id DESC",
            (SortKey::Expires, true, End::First) => "place DESC NULLS LAST, id",
            (SortKey::Expires, true, End::Last) => "place NULLS FIRST, id DESC",
        }
    }

    fn condition(&self, realm: &str, dialect: Dialect, part: &str) -> String {
        let search = match self.part() {
            Some(_) => format!(" AND {}(lower(t.name), {part}) > 0", dialect.within()),
            None => String::new(),
        };
        format!("WHERE t.account = {ACCOUNT} AND t.realm = '{realm}' AND t.revoked IS NULL{search}")
    }
}

/// Returns the tokens in the order of these numbers.
pub(super) fn in_order(numbers: &[i64], mut tokens: HashMap<i64, StoredToken>) -> Vec<StoredToken> {
    numbers.iter().filter_map(|number| tokens.remove(number)).collect()
}

pub(super) fn read_numbered(row: &impl Columns) -> Result<(i64, StoredToken), StoreError> {
    Ok((row.number("seq")?, read_token(row)?))
}

pub(super) fn read_session(row: &impl Columns) -> Result<StoredSession, StoreError> {
    Ok(StoredSession {
        key: row.text("key")?,
        user: row.text("user")?,
        data: row.text("data")?,
        ends: row.number("ends")?,
    })
}

pub(super) fn read_keys(row: &impl Columns) -> Result<TokenKeys, StoreError> {
    Ok(TokenKeys {
        id: row.text("id")?,
        hash: row.text("hash")?,
        created: row.number("created")?,
    })
}

pub(super) fn read_usage(row: &impl Columns) -> Result<Usage, StoreError> {
    Ok(Usage {
        id: row.text("id")?,
        last_used: row.number("last_used")?,
        uses: row.number("uses")?.unsigned_abs(),
    })
}

/// Maps the outcome of adding a session: `false` if its key is taken.
pub(super) fn added(outcome: Result<u64, sqlx::Error>, user: &str) -> Result<bool, StoreError> {
    match outcome {
        Ok(rows) => changed_one(rows, user).map(|()| true),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Converts a count to the database's type.
pub(super) fn to_count(uses: u64) -> i64 {
    i64::try_from(uses).map_or(MOST_USES, |uses| uses.min(MOST_USES))
}
/// Returns one query of each kind.
#[cfg(test)]
pub(super) fn kinds() -> Vec<PageQuery> {
    let mut kinds = Vec::new();
    for realm in [None, Some(Realm::Account), Some(Realm::Admin)] {
        for sort in [SortKey::Name, SortKey::Created, SortKey::Expires] {
            for descending in [false, true] {
                kinds.push(PageQuery {
                    realm,
                    sort,
                    descending,
                    ..PageQuery::default()
                });
            }
        }
    }
    kinds
}
