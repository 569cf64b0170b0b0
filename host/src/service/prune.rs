//! Pruning of revoked tokens.

use super::Service;
use crate::error::Result;

/// The default number of days for which revoked tokens are kept.
pub const KEPT_REVOKED_DAYS: u32 = 400;

const DAY: i64 = 86_400;

impl Service {
    /// Deletes tokens that were revoked more than `days` days ago, and returns how many. Afterwards a backup from before that
    /// time restores no token as a live one.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn prune(&self, days: u32) -> Result<u64> {
        let before = self.clock.now()?.saturating_sub(i64::from(days) * DAY);
        let mut pruned = 0;
        loop {
            match self.store.prune_tokens(before).await? {
                0 => return Ok(pruned),
                tokens => pruned += tokens,
            }
        }
    }
}
