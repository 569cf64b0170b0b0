//! The usage of tokens.

use async_trait::async_trait;

use super::error::StoreError;

/// How long a sender's last number is kept, in seconds. No report is repeated after that.
const SENDER_KEPT: i64 = 30 * 86_400;

/// The usage of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The token's id.
    pub id: String,
    /// When it was last admitted, in Unix seconds.
    pub last_used: i64,
    /// How often it was admitted.
    pub uses: u64,
}

/// Identifies a usage report: its sender and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageBatch {
    /// The sender: at least 8 characters.
    pub follower: String,
    /// The report's number, which increases from one report of a sender to the next.
    pub number: i64,
    /// When the report arrived, in Unix seconds.
    pub seen: i64,
}

impl UsageBatch {
    /// Senders last heard of before this time are forgotten.
    pub(super) fn forgotten(&self) -> i64 {
        self.seen.saturating_sub(SENDER_KEPT)
    }
}

/// The keys by which a usage report names a token, and the data that it is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKeys {
    /// The token's id.
    pub id: String,
    /// Its hash.
    pub hash: String,
    /// When it was created, in Unix seconds.
    pub created: i64,
}

/// Stores how often tokens are used. None of this counts as a change.
#[async_trait]
pub trait UsageStore: Send + Sync {
    /// Adds to the usage of tokens in one transaction. Unknown tokens are skipped.
    async fn add_usage(&self, usage: &[Usage]) -> Result<(), StoreError>;

    /// Adds the usage that a sender reports, once however often the report is sent. Returns `false` if this report or a later
    /// one of the same sender was added before.
    async fn add_usage_batch(&self, batch: &UsageBatch, usage: &[Usage]) -> Result<bool, StoreError>;

    /// Returns the keys of tokens, including revoked ones, whose id or hash is in `keys`.
    async fn token_keys(&self, keys: &[String]) -> Result<Vec<TokenKeys>, StoreError>;

    /// Returns the usage of these tokens. Tokens that were never used are left out.
    async fn usage(&self, ids: &[String]) -> Result<Vec<Usage>, StoreError>;
}
