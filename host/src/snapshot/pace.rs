//! How fast an origin's answer must come.

use std::time::Duration;

use tokio::time::Instant;

use super::source::SourceError;

/// The longest that the body of an answer may take.
pub const LONGEST: Duration = Duration::from_secs(120);

/// The least that must come on the average, in bytes a millisecond, once the first pause is over.
const LEAST_RATE: u64 = 16;

/// Bounds an answer's body: an origin that sends a byte now and then is never silent, and would hold a follower for ever.
pub(super) struct Pace {
    begun: Instant,
    patience: Duration,
    bytes: u64,
}

impl Pace {
    /// Begins when the body does, of which nothing need come for so long.
    pub(super) fn new(patience: Duration) -> Pace {
        Pace {
            begun: Instant::now(),
            patience,
            bytes: 0,
        }
    }

    /// Waits for the next piece, for as long as what has come allows.
    pub(super) async fn next<T>(
        &mut self,
        piece: impl Future<Output = T>,
        length: impl FnOnce(&T) -> usize,
    ) -> Result<T, SourceError> {
        let earned = Duration::from_millis(self.bytes / LEAST_RATE);
        let allowed = self.patience.saturating_add(earned).min(LONGEST);
        let came = tokio::time::timeout_at(self.begun + allowed, piece).await;
        let came = came.map_err(|_| SourceError::new("origin_timeout", "the origin's answer comes too slowly"))?;
        self.bytes = self.bytes.saturating_add(length(&came) as u64);
        Ok(came)
    }
}
