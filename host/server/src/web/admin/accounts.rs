//! The list of accounts: a table with a search, fifty on a page.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use tokenlatch_core::Features;

use crate::state::State;
use crate::web::admin::path_of;
use crate::web::form::Asked;
use crate::web::layout::Layout;
use crate::web::list::{ListView, Pages};
use crate::web::reply::{Failed, html};
use crate::web::session::Visitor;
use crate::web::view::{Moment, count};
use tokenlatch::ServerZone;
use tokenlatch::StoredAccount;

/// Accounts on a page.
const SIZE: usize = 50;

/// Features that the table names. Of a longer list it shows only the number.
const NAMED: usize = 3;

/// The page with the table.
#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage<'a> {
    layout: Layout<'a>,
    base: String,
    caption: String,
    search: &'a str,
    rows: Vec<Row>,
    pages: Pages,
}

/// An account as a row of the table.
struct Row {
    user: String,
    link: String,
    administrator: bool,
    suspended: bool,
    features: String,
    tokens: u64,
    created: Moment,
}

impl Row {
    fn of(visitor: &Visitor, zone: ServerZone, stored: &StoredAccount) -> Row {
        Row {
            link: path_of(visitor, &stored.account.user),
            user: stored.account.user.clone(),
            administrator: stored.account.administrator,
            suspended: stored.account.suspended,
            features: features(&stored.account.features),
            tokens: stored.live_tokens,
            created: Moment::of(zone, stored.created),
        }
    }
}

/// A short text for an account's features.
fn features(features: &Features) -> String {
    match features {
        Features::All => "Every feature".to_owned(),
        Features::List(list) if list.is_empty() => "None".to_owned(),
        Features::List(list) if list.len() <= NAMED => list.join(", "),
        Features::List(list) => count(list.len(), "feature"),
    }
}

pub(crate) async fn show(
    Shared(state): Shared<Arc<State>>,
    visitor: Visitor,
    asked: Asked,
) -> Result<Response, Failed> {
    let view = ListView::asked(&asked, None);
    let part = view.search.to_ascii_lowercase();
    let mut accounts = state.service.accounts().await?;
    accounts.retain(|stored| stored.account.user.to_ascii_lowercase().contains(&part));
    let pages = accounts.len().div_ceil(SIZE).max(1);
    let page = usize::try_from(view.page).unwrap_or(1).clamp(1, pages);
    let zone = *state.service.zone();
    let shown = accounts.iter().skip((page - 1) * SIZE).take(SIZE);
    let rows: Vec<Row> = shown.map(|stored| Row::of(&visitor, zone, stored)).collect();
    let total = count(accounts.len(), "account");
    let base = visitor.path("/accounts");
    let page = AccountsPage {
        layout: Layout::of(&state, &visitor, "Accounts"),
        caption: match view.search.as_str() {
            "" => total,
            search => format!("{total} with “{search}” in the name"),
        },
        search: &view.search,
        rows,
        pages: Pages::of(&view, &base, as_number(page), as_number(pages)),
        base,
    };
    Ok(html(StatusCode::OK, page))
}

fn as_number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summarises_features() {
        let list = |features: &[&str]| Features::List(features.iter().map(|feature| (*feature).to_owned()).collect());
        assert_eq!(features(&Features::All), "Every feature");
        assert_eq!(features(&list(&[])), "None");
        assert_eq!(features(&list(&["a", "b", "c"])), "a, b, c");
        assert_eq!(features(&list(&["a", "b", "c", "d"])), "4 features");
    }
}
