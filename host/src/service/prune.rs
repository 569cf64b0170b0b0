//! The end of revoked tokens.

use super::Service;
use crate::error::Result;

/// Days for which a revoked token is kept, unless another number is given.
pub const KEPT_REVOKED_DAYS: u32 = 400;

const DAY: i64 = 86_400;

impl Service {
    /// Removes the tokens for good that were revoked more than so many days ago, and returns how many. From then on a
    /// backup from before that time brings no token back as a live one.
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
