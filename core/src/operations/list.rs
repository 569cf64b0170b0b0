//! Lists a page of a user's tokens.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::describe::{DEFAULT_WARN_DAYS, Description, warn_seconds};
use crate::base::error::{Error, ErrorCode};
use crate::base::sort::sorted;
use crate::json::decoder::{Fields, FromValue, words};
use crate::json::value::Value;
use crate::token::name::MAX_NAME;
use crate::token::record::{Record, check_records};
use crate::token::time::check_now;

const DEFAULT_PAGE_SIZE: i64 = 20;
const MAX_PAGE_SIZE: i64 = 1_000;

/// A request to list tokens.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListRequest {
    /// Unix seconds.
    pub now: i64,
    /// The user's tokens.
    pub records: Vec<Record>,
    /// The page, from 1.
    pub page: i64,
    /// Tokens a page, 1 to 1,000.
    pub page_size: i64,
    /// The sort key.
    pub sort: SortKey,
    /// Whether to sort in descending order.
    pub descending: bool,
    /// Part of a name, ignoring case; at most 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// The number of days before its expiry in which a token is shown as expiring.
    pub warn_days: i64,
    /// Whether to include revoked tokens.
    pub include_revoked: bool,
}

impl FromValue for ListRequest {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = ListRequest {
            now: fields.required("now"),
            records: fields.required("records"),
            page: fields.or("page", 1),
            page_size: fields.or("pageSize", DEFAULT_PAGE_SIZE),
            sort: fields.or("sort", SortKey::Name),
            descending: fields.or("descending", false),
            search: fields.optional("search"),
            warn_days: fields.or("warnDays", DEFAULT_WARN_DAYS),
            include_revoked: fields.or("includeRevoked", false),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// What tokens are sorted by. Equal ones are sorted by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SortKey {
    /// The name, by its bytes.
    #[default]
    Name,
    /// The time of creation.
    Created,
    /// The expiry; never is last in both directions.
    Expires,
}

words!(SortKey, "`name`, `created` or `expires`", {
    "name" => SortKey::Name,
    "created" => SortKey::Created,
    "expires" => SortKey::Expires,
});

/// A page of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The tokens on this page.
    pub tokens: Vec<Description>,
    /// The page, from 1.
    pub page: i64,
    /// Tokens on a full page.
    pub page_size: i64,
    /// The number of pages, at least 1.
    pub pages: i64,
    /// The number of tokens on all pages.
    pub total: i64,
}

/// Lists tokens.
///
/// # Errors
/// `now_invalid`, `page_invalid`, `value_invalid`, and those of an invalid record.
pub fn list(request: ListRequest) -> Result<Listed, Error> {
    check_records(&request.records)?;
    check_now(request.now)?;
    let (skip, page_size) = bounds(request.page, request.page_size)?;
    let soon = warn_seconds(request.warn_days)?;
    let search = request.search.unwrap_or_default();
    if search.chars().count() > MAX_NAME {
        return Err(Error::at(
            ErrorCode::ValueInvalid,
            "search",
            "a search has at most 50 characters",
        ));
    }
    let records: Vec<Record> = request
        .records
        .into_iter()
        .filter(|record| request.include_revoked || record.revoked.is_none())
        .filter(|record| holds(record.name.as_bytes(), search.as_bytes()))
        .collect();
    let by = |a: usize, b: usize| match (records.get(a), records.get(b)) {
        (Some(a), Some(b)) => order(a, b, request.sort, request.descending),
        _ => Ordering::Equal,
    };
    let order = sorted(records.len(), &by);
    let total = records.len();
    Ok(Listed {
        tokens: order
            .into_iter()
            .skip(skip)
            .take(page_size)
            .filter_map(|at| records.get(at).cloned())
            .map(|record| Description::of(record, request.now, soon))
            .collect(),
        page: request.page,
        page_size: request.page_size,
        pages: i64::try_from(total.div_ceil(page_size).max(1)).unwrap_or(i64::MAX),
        total: i64::try_from(total).unwrap_or(i64::MAX),
    })
}

/// Whether a text contains a part, ignoring ASCII case.
fn holds(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn bounds(page: i64, page_size: i64) -> Result<(usize, usize), Error> {
    let fault = |field, message: &'static str| Error::at(ErrorCode::PageInvalid, field, message);
    if page < 1 {
        return Err(fault("page", "pages are counted from 1"));
    }
    if !(1..=MAX_PAGE_SIZE).contains(&page_size) {
        return Err(fault("pageSize", "a page has 1 to 1,000 tokens"));
    }
    let skip = page.saturating_sub(1).saturating_mul(page_size);
    Ok((
        usize::try_from(skip).unwrap_or(usize::MAX),
        usize::try_from(page_size).unwrap_or(1),
    ))
}

fn order(a: &Record, b: &Record, sort: SortKey, descending: bool) -> Ordering {
    let turned = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
    match sort {
        SortKey::Name => turned(a.name.cmp(&b.name)),
        SortKey::Created => turned(a.created.cmp(&b.created)),
        SortKey::Expires => match (a.expires, b.expires) {
            (Some(a), Some(b)) => turned(a.cmp(&b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        },
    }
    .then_with(|| a.id.cmp(&b.id))
}
