//! Checks the rows for damage.

use super::accounts::{SETTINGS, read_settings};
use super::columns::Columns;
use super::connection::SqlConnection;
use super::records::{COLUMNS, read_token};
use super::statement::Statement;
use crate::store::error::StoreError;

/// Counts the stored live-token counts that are wrong.
const WRONG_COUNTS: &str = "SELECT count(*) AS wrong FROM accounts a \
    CROSS JOIN (SELECT 'account' AS realm UNION ALL SELECT 'admin') r \
    WHERE coalesce((SELECT c.live FROM token_counts c WHERE c.account = a.id AND c.realm = r.realm), 0) \
    <> (SELECT count(*) FROM tokens t WHERE t.account = a.id AND t.realm = r.realm AND t.revoked IS NULL)";

/// Checks each account, each token and the number of live tokens. Returns one sentence for each finding.
pub(in crate::store) async fn check_rows(connection: &mut impl SqlConnection) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for row in connection.fetch(Statement::new(SETTINGS)).await? {
        if let Err(error) = read_settings(&row) {
            found.push(error.to_string());
        }
    }
    let tokens = Statement::new(format!("SELECT {COLUMNS} FROM tokens t"));
    for row in connection.fetch(tokens).await? {
        if let Err(error) = read_token(&row) {
            found.push(error.to_string());
        }
    }
    let wrong = connection
        .fetch_one(Statement::new(WRONG_COUNTS))
        .await?
        .number("wrong")?;
    if wrong > 0 {
        found.push(format!("{wrong} counts of live tokens are wrong"));
    }
    Ok(found)
}
