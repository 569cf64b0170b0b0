//! The minimum speed of an origin's answer.

use std::time::Duration;

use tokio::time::Instant;

use super::source::SourceError;

/// The time limit for the body of an answer.
pub const LONGEST: Duration = Duration::from_secs(120);

/// The minimum average rate after the grace period, in bytes per millisecond.
const LEAST_RATE: u64 = 16;

/// Bounds the duration of an answer's body. An idle timeout is not enough: an origin that sends a byte now and then would block
/// a follower forever.
pub(super) struct Pace {
    begun: Instant,
    patience: Duration,
    bytes: u64,
}

impl Pace {
    /// Starts the clock at the beginning of the body. `patience` is the grace period.
    pub(super) fn new(patience: Duration) -> Pace {
        Pace {
            begun: Instant::now(),
            patience,
            bytes: 0,
        }
    }

    /// Waits for the next piece, for as long as the bytes received so far allow.
    pub(super) async fn next<T>(
        &mut self,
        piece: impl Future<Output = T>,
        length: impl FnOnce(&T) -> usize,
    ) -> Result<T, SourceError> {
        let earned = Duration::from_millis(self.bytes / LEAST_RATE);
        let allowed = self.patience.saturating_add(earned).min(LONGEST);
        let came = tokio::time::timeout_at(self.begun + allowed, piece).await;
        let came = came.map_err(|_| SourceError::new("origin_timeout", "the origin sends its answer too slowly"))?;
        self.bytes = self.bytes.saturating_add(length(&came) as u64);
        Ok(came)
    }
}
