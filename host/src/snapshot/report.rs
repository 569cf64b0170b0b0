//! Usage reports of edges: numbered batches that may arrive more than once and count once.

use serde::{Deserialize, Serialize};

use std::collections::HashMap;

use tokenlatch_core::{MAX_SAFE_INTEGER, ReportedUses, Usage as PossibleUsage, UsageRequest};

use crate::error::Result;
use crate::service::Service;
use crate::store::{Usage, UsageBatch};

/// The largest number of tokens in a report.
pub const MAX_REPORTED: usize = 2_000;

/// The length of a follower's name, in characters.
const NAME: std::ops::RangeInclusive<usize> = 8..=64;

/// A report, as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UsageReport {
    /// The sender: 8 to 64 characters of `a-z A-Z 0-9 - _`, chosen at random by each process.
    pub follower: String,
    /// The number of the report, increasing by one. A repeated report keeps its number.
    pub batch: i64,
    /// The tokens used.
    pub tokens: Vec<ReportedUse>,
}

/// The use of a token since the last report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportedUse {
    /// The token's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Otherwise its hash, as stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// When it was last admitted, in Unix seconds.
    pub last_used: i64,
    /// How often it was admitted.
    pub uses: u64,
}

impl ReportedUse {
    /// Returns the id or the hash.
    fn key(&self) -> Option<&String> {
        self.id.as_ref().or(self.hash.as_ref())
    }
}

/// Why a report is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The sender's name or the number is invalid.
    #[error("a report has a follower of 8 to 64 characters of `a-z A-Z 0-9 - _`, and a batch counted from 1")]
    Sender,
    /// The report has too many tokens.
    #[error("a report has at most 2000 tokens")]
    Length,
    /// A token has neither an id nor a hash, or both.
    #[error("each token has either an id or a hash")]
    Token,
}

impl UsageReport {
    /// Checks the report's form. Times and counts out of range are not errors: the module clamps them.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn check(&self) -> std::result::Result<(), ReportError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !NAME.contains(&self.follower.len()) || !self.follower.bytes().all(plain) || self.batch < 1 {
            return Err(ReportError::Sender);
        }
        if self.tokens.len() > MAX_REPORTED {
            return Err(ReportError::Length);
        }
        let good = |used: &ReportedUse| used.id.is_some() != used.hash.is_some();
        if self.tokens.iter().all(good) {
            Ok(())
        } else {
            Err(ReportError::Token)
        }
    }

    /// Adds the report to the store. Returns `false` if it, or a later one, was added before.
    ///
    /// # Errors
    /// Failures of the store and the clock.
    pub async fn add_to(&self, service: &Service) -> Result<bool> {
        let now = service.clock().now()?;
        let keys: Vec<String> = self.tokens.iter().filter_map(ReportedUse::key).cloned().collect();
        let mut tokens = HashMap::with_capacity(keys.len());
        for known in service.store().token_keys(&keys).await? {
            let token = (known.id.clone(), known.created);
            tokens.insert(known.hash, token.clone());
            tokens.insert(known.id, token);
        }
        let mut ids = Vec::with_capacity(keys.len());
        let mut uses = Vec::with_capacity(keys.len());
        for used in &self.tokens {
            let Some((id, created)) = used.key().and_then(|key| tokens.get(key)) else {
                continue;
            };
            ids.push(id.clone());
            uses.push(ReportedUses {
                created: *created,
                last_used: used.last_used.clamp(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER),
                uses: i64::try_from(used.uses).map_or(MAX_SAFE_INTEGER, |uses| uses.min(MAX_SAFE_INTEGER)),
            });
        }
        let module = service.module();
        let possible: PossibleUsage = module.operate_async("usage", UsageRequest { now, uses }).await?;
        let usage: Vec<Usage> = ids
            .into_iter()
            .zip(possible.uses)
            .map(|(id, uses)| Usage {
                id,
                last_used: uses.last_used,
                uses: uses.uses.unsigned_abs(),
            })
            .collect();
        let batch = UsageBatch {
            follower: self.follower.clone(),
            number: self.batch,
            seen: now,
        };
        Ok(service.store().add_usage_batch(&batch, &usage).await?)
    }
}
