//! What the page keeps and asks for: pages of tokens, sessions, how often tokens are used.

use std::collections::HashMap;
use std::fmt;

use tokenlatch_core::{MAX_SAFE_INTEGER, Realm, SortKey};

use super::StoredToken;
use super::error::StoreError;
use super::rows::{Columns, changed_one, read_token};

/// Which of a user's live tokens, in which order.
#[derive(Clone, Debug, Default)]
pub struct PageQuery {
    /// The port whose tokens are meant; both where it is `None`.
    pub realm: Option<Realm>,
    /// A part of the name, without regard to the case of ASCII letters.
    pub search: Option<String>,
    /// The order. Equal ones stand by id in both directions, and those that never expire stand last in both.
    pub sort: SortKey,
    /// Whether the order falls.
    pub descending: bool,
    /// How many to leave out at the beginning.
    pub offset: u64,
    /// How many at most.
    pub limit: u64,
}

/// A part of a user's live tokens.
#[derive(Clone, Debug, Default)]
pub struct TokenPage {
    /// The tokens.
    pub tokens: Vec<StoredToken>,
    /// How many there are without regard to offset and limit.
    pub total: u64,
}

/// What a report of uses finds a token by, and what it is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKeys {
    /// The token's id.
    pub id: String,
    /// Its hash.
    pub hash: String,
    /// When it was created, in Unix seconds.
    pub created: i64,
}

/// The greatest number of uses that is stored: further ones don't count, and no sum overflows.
pub(super) const MOST_USES: i64 = MAX_SAFE_INTEGER;

/// A person's session, as it is stored. It ends with the account, and when the account is renamed or suspended, gets
/// another password or is an administrator's no more.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The hash of the session's id.
    pub key: String,
    /// The user.
    pub user: String,
    /// What belongs to it, as JSON.
    pub data: String,
    /// From when it is nothing any more, in Unix seconds.
    pub ends: i64,
}

/// Without the data, which hold what a form must prove, and without the key.
impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession")
            .field("user", &self.user)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// How a token was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The token's id.
    pub id: String,
    /// When it was last admitted, in Unix seconds.
    pub last_used: i64,
    /// How often it was admitted.
    pub uses: u64,
}

/// Whose report of uses something is, and the how manyeth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageBatch {
    /// Who sends it: at least 8 characters.
    pub follower: String,
    /// Its number, which rises from one report of a sender to the next.
    pub number: i64,
    /// When it came, in Unix seconds.
    pub seen: i64,
}

impl UsageBatch {
    /// A sender of whom nothing was heard since this is forgotten.
    pub(super) fn forgotten(&self) -> i64 {
        self.seen.saturating_sub(SENDER_KEPT)
    }
}

/// For how long a sender's last number is kept, in seconds: nobody repeats a report after so long.
const SENDER_KEPT: i64 = 30 * 86_400;

/// Notes a sender's number; no row where it, or one of the 1,000 after it, was noted before. Of those further back none can be under
/// way any more: the sender's numbers begin once more, or one of them was out of place, and must not silence all others.
pub(super) const NOTE_BATCH: &str = "INSERT INTO usage_batches (follower, batch, seen) VALUES ($1, $2, $3) \
    ON CONFLICT (follower) DO UPDATE SET batch = excluded.batch, seen = excluded.seen \
    WHERE usage_batches.batch < excluded.batch OR usage_batches.batch - 1000 > excluded.batch";

/// Forgets those of whom nothing was heard since `$1`.
pub(super) const FORGET_SENDERS: &str = "DELETE FROM usage_batches WHERE seen < $1";

/// Where an order is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

impl End {
    /// Puts what was found into its order.
    pub(super) fn ordered(self, mut numbers: Vec<i64>) -> Vec<i64> {
        if self == End::Last {
            numbers.reverse();
        }
        numbers
    }
}

/// Whose statements are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// What the place of one text in another is called.
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

/// What has ended at `$1`.
pub(super) const TIDY: [&str; 2] = [
    "DELETE FROM page_sessions WHERE ends <= $1",
    "DELETE FROM page_forms WHERE ends <= $1",
];

impl PageQuery {
    /// The statement that counts: `$1` is the user, `$2` what [`PageQuery::part`] gives, where it gives something.
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

    /// The statement that finds the tokens' numbers, in their order: `$1` is the user, `$2` the limit, `$3` the offset,
    /// `$4` what [`PageQuery::part`] gives, where it gives something. It reads an index of this very order; where both
    /// ports are meant, two side by side. What is left out is read all the same, so it begins at the nearer end.
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
            // Without this its planner sorts all of them, until it knows how many there are.
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

    /// What is looked for in the names, in small letters.
    pub(super) fn part(&self) -> Option<String> {
        self.search
            .as_ref()
            .filter(|part| !part.is_empty())
            .map(|part| part.to_ascii_lowercase())
    }

    /// The end from which these tokens are read, with limit and offset as a database takes them; `None` where there are
    /// no tokens so far.
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

    /// What the order is made of. No two live tokens of an account have one name.
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

/// Tokens with their numbers, in the order of these numbers.
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

/// What came of adding a session: `false` where its key is taken.
pub(super) fn added(outcome: Result<u64, sqlx::Error>, user: &str) -> Result<bool, StoreError> {
    match outcome {
        Ok(rows) => changed_one(rows, user).map(|()| true),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A count as a database takes it.
pub(super) fn to_count(uses: u64) -> i64 {
    i64::try_from(uses).map_or(MOST_USES, |uses| uses.min(MOST_USES))
}
/// Every query that is one of its own kind.
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
