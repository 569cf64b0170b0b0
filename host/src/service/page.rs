//! Lists tokens for the page.

use std::collections::HashMap;

use tokenlatch_core::{Description, Listed, Realm, Record};

use super::selector::is_of;
use super::{ListOptions, Service};
use crate::error::Result;
use crate::store::{PageQuery, Usage};

/// The number of tokens that one call of the module describes.
const BATCH: usize = 1_000;

/// A page of a user's live tokens.
#[derive(Clone, Debug)]
pub struct PagedTokens {
    /// The tokens on the page.
    pub tokens: Vec<ListedToken>,
    /// The page number, from 1. If a page beyond the last was asked for, this is the last.
    pub page: i64,
    /// The number of tokens on a full page.
    pub page_size: i64,
    /// The number of pages, at least 1.
    pub pages: i64,
    /// The number of tokens on all pages.
    pub total: i64,
}

/// A token with what its owner may see of it.
#[derive(Clone, Debug)]
pub struct ListedToken {
    /// The token.
    pub token: Description,
    /// The token's usage, if known.
    pub usage: Option<Usage>,
}

impl Service {
    /// Returns a page of a user's live tokens, as [`Service::list`] does, without reading all of them. A page beyond the last
    /// gives the last. `realm` selects a port's tokens; `None` selects both ports'.
    ///
    /// # Errors
    /// `account_unknown`, `page_invalid`, `value_invalid`; the module's other refusals; failures of the store.
    pub async fn page(
        &self,
        user: &str,
        realm: impl Into<Option<Realm>> + Send,
        options: ListOptions,
    ) -> Result<PagedTokens> {
        let realm = realm.into();
        self.settings(user).await?;
        let options = ListOptions {
            include_revoked: false,
            ..options
        };
        // The module checks the options and fills in the defaults.
        let Listed { page, page_size, .. } = self.list_records(Vec::new(), options.clone()).await?;
        let mut query = PageQuery {
            realm,
            search: options.search.clone(),
            sort: options.sort.unwrap_or_default(),
            descending: options.descending,
            offset: offset(page, page_size),
            limit: page_size.unsigned_abs(),
        };
        let mut found = self.store.tokens_page(user, &query).await?;
        let pages = pages(found.total, page_size);
        let page = page.min(pages);
        if found.tokens.is_empty() && found.total > 0 {
            query.offset = offset(page, page_size);
            found = self.store.tokens_page(user, &query).await?;
        }
        let records = found.tokens.into_iter().map(|token| token.record).collect();
        let options = ListOptions {
            page: Some(1),
            ..options
        };
        let described = self.list_records(records, options).await?.tokens;
        Ok(PagedTokens {
            tokens: self.with_usage(described).await?,
            page,
            page_size,
            pages,
            total: i64::try_from(found.total).unwrap_or(i64::MAX),
        })
    }

    /// Returns a user's live tokens that have one of these ids, in the order of the ids.
    ///
    /// # Errors
    /// `account_unknown`; failures of the module and the store.
    pub async fn listed(
        &self,
        user: &str,
        realm: impl Into<Option<Realm>> + Send,
        ids: &[String],
    ) -> Result<Vec<ListedToken>> {
        let realm = realm.into();
        self.settings(user).await?;
        let found = self.store.tokens_with_ids(user, ids).await?;
        let records: Vec<Record> = found
            .into_iter()
            .map(|token| token.record)
            .filter(|record| is_of(record, realm))
            .collect();
        let mut described = HashMap::with_capacity(records.len());
        for batch in records.chunks(BATCH) {
            let options = ListOptions {
                page_size: i64::try_from(BATCH).ok(),
                ..ListOptions::default()
            };
            let listed = self.list_records(batch.to_vec(), options).await?.tokens;
            described.extend(listed.into_iter().map(|token| (token.id.clone(), token)));
        }
        self.with_usage(ids.iter().filter_map(|id| described.remove(id)).collect())
            .await
    }

    /// Adds each token's usage, if known.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn with_usage(&self, tokens: Vec<Description>) -> Result<Vec<ListedToken>> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = tokens.iter().map(|token| token.id.clone()).collect();
        let usage = self.store.usage(&ids).await?;
        let mut usage: HashMap<String, Usage> = usage.into_iter().map(|used| (used.id.clone(), used)).collect();
        Ok(tokens
            .into_iter()
            .map(|token| ListedToken {
                usage: usage.remove(&token.id),
                token,
            })
            .collect())
    }
}

fn offset(page: i64, page_size: i64) -> u64 {
    page.saturating_sub(1).saturating_mul(page_size).unsigned_abs()
}

fn pages(total: u64, page_size: i64) -> i64 {
    let pages = total.div_ceil(page_size.unsigned_abs().max(1)).max(1);
    i64::try_from(pages).unwrap_or(i64::MAX)
}
