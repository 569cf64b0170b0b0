//! Sends an edge's uses to the origin, in numbered reports.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::replica::Replica;
use super::report::{MAX_REPORTED, UsageReport};
use super::source::{Source, SourceError};

/// The error code for a report that the origin would refuse however often it is sent.
pub const UNWANTED: &str = "report_refused";

/// The time limit for one report, connecting included.
const ANSWER: Duration = Duration::from_secs(30);

/// The reports of one process, in order.
pub(super) struct Reports<'f> {
    replica: &'f Replica,
    name: &'f str,
    /// Uses that the origin refused.
    lost: &'f AtomicU64,
    next: i64,
    /// Reports that the origin is not known to have.
    open: VecDeque<UsageReport>,
    /// The code of the last error.
    failing: Option<&'static str>,
}

/// The error code for an origin that refuses the token.
pub const REFUSED: &str = "origin_refused";

impl<'f> Reports<'f> {
    /// The largest number of pending reports. Beyond it new uses stay in the table of uses.
    const OPEN: usize = 64;

    pub(super) fn new(replica: &'f Replica, name: &'f str, lost: &'f AtomicU64) -> Reports<'f> {
        Reports {
            replica,
            name,
            lost,
            next: 1,
            open: VecDeque::new(),
            failing: None,
        }
    }

    pub(super) async fn keep(&mut self, source: &dyn Source, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            let outcome = self.send_pending(source).await;
            match &outcome {
                // The token may have lost the right to report, so log it, once.
                Err(error) if error.code == REFUSED && self.failing != Some(REFUSED) => {
                    tracing::warn!("usage cannot be reported: {error}");
                }
                Err(error) => tracing::debug!("usage is not reported yet: {error}"),
                Ok(()) => {}
            }
            self.failing = outcome.err().map(|error| error.code);
        }
    }

    /// Sends the pending reports under their original numbers. Drops a report that the origin considers invalid.
    pub(super) async fn send_pending(&mut self, source: &dyn Source) -> Result<(), SourceError> {
        if self.open.len() < Reports::OPEN {
            self.gather();
        }
        while let Some(report) = self.open.front() {
            let late = |_| SourceError::new("origin_timeout", "the origin does not answer a report");
            let answer = tokio::time::timeout(ANSWER, source.report(report))
                .await
                .map_err(late)
                .flatten();
            match answer {
                Err(error) if error.code == UNWANTED => {
                    // The origin would refuse it again, and the other reports wait behind it.
                    let uses = report.tokens.iter().map(|used| used.uses).fold(0, u64::saturating_add);
                    self.lost.fetch_add(uses, Ordering::Relaxed);
                    tracing::warn!("{uses} uses are not reported: {error}");
                }
                handed => handed?,
            }
            self.open.pop_front();
        }
        Ok(())
    }

    fn gather(&mut self) {
        for tokens in self.replica.uses().chunks(MAX_REPORTED) {
            self.open.push_back(UsageReport {
                follower: self.name.to_owned(),
                batch: self.next,
                tokens: tokens.to_vec(),
            });
            self.next = self.next.saturating_add(1);
        }
    }
}
