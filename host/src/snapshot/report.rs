//! How an edge reports uses: in numbered batches, which may come more than once and count once.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::service::Service;
use crate::store::{Usage, UsageBatch};

/// Tokens of one report.
pub const MAX_REPORTED: usize = 2_000;

/// Characters of a follower's name.
const NAME: std::ops::RangeInclusive<usize> = 8..=64;

/// A report, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UsageReport {
    /// Who reports: 8 to 64 characters of `a-z A-Z 0-9 - _`, chosen at random by each process.
    pub follower: String,
    /// The number of the report, which rises by one; one that is sent again has the number that it had.
    pub batch: i64,
    /// What was used.
    pub tokens: Vec<ReportedUse>,
}

/// How a token was used since the last report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportedUse {
    /// The token's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Else its hash, as the store has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// When it was last admitted, in Unix seconds.
    pub last_used: i64,
    /// How often.
    pub uses: u64,
}

/// What is wrong with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The name or the number.
    #[error("a report has a follower of 8 to 64 characters of `a-z A-Z 0-9 - _`, and a batch counted from 1")]
    Sender,
    /// There are too many.
    #[error("a report has at most 2000 tokens")]
    Length,
    /// A token has neither or both, or its numbers cannot be.
    #[error("each token has either an id or a hash, a time of use that has come, and at least one use")]
    Token,
}

impl UsageReport {
    /// Whether it can be taken. No time of use lies in the future, but for clocks that differ a little.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn check(&self, now: i64) -> std::result::Result<(), ReportError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !NAME.contains(&self.follower.len()) || !self.follower.bytes().all(plain) || self.batch < 1 {
            return Err(ReportError::Sender);
        }
        if self.tokens.len() > MAX_REPORTED {
            return Err(ReportError::Length);
        }
        let latest = now.saturating_add(300);
        let good = |used: &ReportedUse| {
            used.id.is_some() != used.hash.is_some()
                && (1..=latest).contains(&used.last_used)
                && (1..=u64::from(u32::MAX)).contains(&used.uses)
        };
        if self.tokens.iter().all(good) {
            Ok(())
        } else {
            Err(ReportError::Token)
        }
    }

    /// Adds it to what the store knows. `false`: it, or a later one, was added before.
    ///
    /// # Errors
    /// Failures of the store and the clock.
    pub async fn add_to(&self, service: &Service) -> Result<bool> {
        let now = service.clock().now()?;
        let mut usage = Vec::with_capacity(self.tokens.len());
        for used in &self.tokens {
            let id = match (&used.id, &used.hash) {
                (Some(id), _) => Some(id.clone()),
                (None, Some(hash)) => {
                    let found = service.store().token_by_hashes(std::slice::from_ref(hash)).await?;
                    found.map(|record| record.id)
                }
                (None, None) => None,
            };
            usage.extend(id.map(|id| Usage {
                id,
                last_used: used.last_used.min(now),
                uses: used.uses,
            }));
        }
        let batch = UsageBatch {
            follower: self.follower.clone(),
            number: self.batch,
            seen: now,
        };
        Ok(service.store().add_usage_batch(&batch, &usage).await?)
    }
}
