//! Pages of tokens.

use std::collections::HashMap;

use tokenlatch_core::{Realm, SortKey};

use super::columns::Columns;
use super::connection::SqlConnection;
use super::dialect::Dialect;
use super::records::{COLUMNS, read_token};
use super::statement::Statement;
use super::store::{Patience, SqlStore};
use crate::store::error::StoreError;
use crate::store::record::StoredToken;
use crate::store::token_page::{PageQuery, TokenPage};

/// The end from which an order is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum End {
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

/// The live account of a user, `$1`.
const ACCOUNT: &str = "(SELECT a.id FROM accounts a WHERE a.\"user\" = $1 AND a.removed IS NULL)";

impl PageQuery {
    /// The counting statement: `$1` is the user, `$2` the result of [`PageQuery::part`] if there is one.
    pub(in crate::store) fn count(&self, dialect: Dialect) -> String {
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
    /// result of [`PageQuery::part`] if there is one. It reads an index of this order; for both realms it merges two. Skipped
    /// rows are read too, so it starts from the nearer end.
    pub(in crate::store) fn numbers(&self, end: End, dialect: Dialect) -> String {
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
    fn part(&self) -> Option<String> {
        self.search
            .as_ref()
            .filter(|part| !part.is_empty())
            .map(|part| part.to_ascii_lowercase())
    }

    /// Returns the end to read from, with limit and offset as the database takes them; `None` if the offset is beyond the last
    /// token.
    fn bounds(&self, total: u64) -> Option<(End, i64, i64)> {
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
fn in_order(numbers: &[i64], mut tokens: HashMap<i64, StoredToken>) -> Vec<StoredToken> {
    numbers.iter().filter_map(|number| tokens.remove(number)).collect()
}

fn read_numbered(row: &impl Columns) -> Result<(i64, StoredToken), StoreError> {
    Ok((row.number("seq")?, read_token(row)?))
}

/// Reads a page of a user's live tokens.
pub(super) async fn read<S: SqlStore>(store: &S, user: &str, query: &PageQuery) -> Result<TokenPage, StoreError> {
    let part = query.part();
    let with_part = |statement: Statement| match &part {
        Some(part) => statement.key(part),
        None => statement,
    };
    let (total, numbers, rows) = store
        .reading(Patience::Request, async {
            // One snapshot, so that the count matches the tokens.
            let mut transaction = store.begin_read().await?;
            let count = with_part(Statement::new(query.count(S::DIALECT)).key(user));
            let total = transaction.fetch_one(count).await?.number("total")?.unsigned_abs();
            let Some((end, limit, offset)) = query.bounds(total) else {
                transaction.commit().await?;
                return Ok((total, Vec::new(), Vec::new()));
            };
            let numbers = Statement::new(query.numbers(end, S::DIALECT)).key(user);
            let numbers = transaction.fetch(with_part(numbers.bind(limit).bind(offset))).await?;
            let numbers = numbers.iter().map(|row| row.number("seq")).collect::<Result<_, _>>()?;
            let numbers = end.ordered(numbers);
            let chosen = S::DIALECT.one_of("$1");
            let tokens = format!("SELECT {COLUMNS} FROM tokens t WHERE t.seq {chosen}");
            let rows = transaction.fetch(Statement::new(tokens).bind(&*numbers)).await?;
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

/// Returns one query of each kind.
#[cfg(test)]
pub(in crate::store) fn kinds() -> Vec<PageQuery> {
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
