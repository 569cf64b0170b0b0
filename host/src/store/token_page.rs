//! Pages of tokens.

use tokenlatch_core::{Realm, SortKey};

use super::record::StoredToken;

/// Selects and sorts a user's live tokens.
#[derive(Clone, Debug, Default)]
pub struct PageQuery {
    /// The realm whose tokens are selected; `None` selects both realms'.
    pub realm: Option<Realm>,
    /// Selects names that contain this text, ignoring the case of ASCII letters.
    pub search: Option<String>,
    /// The sort order. In both directions, ties are sorted by id and tokens that never expire come last.
    pub sort: SortKey,
    /// Whether the order is descending.
    pub descending: bool,
    /// How many tokens to skip.
    pub offset: u64,
    /// The largest number of tokens to return.
    pub limit: u64,
}

/// A page of a user's live tokens.
#[derive(Clone, Debug, Default)]
pub struct TokenPage {
    /// The tokens.
    pub tokens: Vec<StoredToken>,
    /// The number of matching tokens, regardless of offset and limit.
    pub total: u64,
}
