//! What an edge tells the origin of uses, in numbered reports.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::replica::Replica;
use super::report::{MAX_REPORTED, UsageReport};
use super::source::{Source, SourceError};

/// The code of an answer that a report would be given however often it is sent.
pub const UNWANTED: &str = "report_refused";

/// How long the origin may take for one report, connecting included.
const ANSWER: Duration = Duration::from_secs(30);

/// The reports of one process, in their order.
pub(super) struct Reports<'f> {
    replica: &'f Replica,
    name: &'f str,
    /// Uses that the origin would not have.
    lost: &'f AtomicU64,
    next: i64,
    /// Those that the origin doesn't have yet, as far as is known.
    open: VecDeque<UsageReport>,
    /// The code of what went wrong the last time.
    failing: Option<&'static str>,
}

/// The code of an origin that doesn't take the token.
pub const REFUSED: &str = "origin_refused";

impl<'f> Reports<'f> {
    /// Reports that wait, before new uses wait in the table of uses.
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
            let outcome = self.hand_in(source).await;
            match &outcome {
                // The token may have been changed to one that may only read: somebody must know, once.
                Err(error) if error.code == REFUSED && self.failing != Some(REFUSED) => {
                    tracing::warn!("uses cannot be reported: {error}");
                }
                Err(error) => tracing::debug!("uses are not reported yet: {error}"),
                Ok(()) => {}
            }
            self.failing = outcome.err().map(|error| error.code);
        }
    }

    /// Hands in what is open, each report with the number that it had from the beginning. One that the origin says is no
    /// report is given up.
    pub(super) async fn hand_in(&mut self, source: &dyn Source) -> Result<(), SourceError> {
        if self.open.len() < Reports::OPEN {
            self.gather();
        }
        while let Some(report) = self.open.front() {
            let late = |_| SourceError::new("origin_timeout", "the origin doesn't answer a report");
            let answer = tokio::time::timeout(ANSWER, source.report(report))
                .await
                .map_err(late)
                .flatten();
            match answer {
                Err(error) if error.code == UNWANTED => {
                    // It would not take it the next time either, and the others wait behind it.
                    let uses = report.tokens.iter().map(|used| used.uses).fold(0, u64::saturating_add);
                    self.lost.fetch_add(uses, Ordering::Relaxed);
                    tracing::warn!("{uses} uses are in no report: {error}");
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
