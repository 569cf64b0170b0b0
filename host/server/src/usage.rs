//! Writes the uses of tokens to the store, periodically and when the server stops.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use tokenlatch::Verifier;

/// Time limit for the last write when the server stops.
const LAST: Duration = Duration::from_secs(10);

/// The task that writes the uses.
#[derive(Debug)]
pub(crate) struct UsageWriter {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl UsageWriter {
    /// Starts the task, unless uses are not recorded.
    pub fn spawn(verifier: &Verifier, every: Duration) -> Option<UsageWriter> {
        if every.is_zero() {
            return None;
        }
        verifier.record_usage();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(verifier.clone(), every, stopped));
        Some(UsageWriter { stop, task })
    }

    /// Writes the remaining uses, and ends the task.
    pub async fn finish(self) {
        // If the task panicked, nobody receives this, and there is nothing to wait for.
        let _ = self.stop.send(());
        if timeout(LAST, self.task).await.is_err() {
            tracing::warn!("usage was not recorded: the database is too slow");
        }
    }
}

async fn keep(verifier: Verifier, every: Duration, mut stopped: oneshot::Receiver<()>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let last = tokio::select! {
            _ = ticks.tick() => false,
            _ = &mut stopped => true,
        };
        // The write is never cancelled: entries that the store already has would be returned and counted twice.
        if let Err(error) = verifier.flush_usage().await {
            tracing::warn!(code = error.code(), "usage is not recorded yet: {error}");
        }
        if last {
            return;
        }
    }
}
