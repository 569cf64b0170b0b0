//! Hands to the store, every now and then and at the end, which tokens were used.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use tokenlatch::Gate;

/// How long the store may take for it when the server ends.
const LAST: Duration = Duration::from_secs(10);

/// The task that does it.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Begins, unless uses are not to be kept.
    pub fn spawn(gate: &Gate, every: Duration) -> Option<Keeper> {
        if every.is_zero() {
            return None;
        }
        gate.note_usage();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(gate.clone(), every, stopped));
        Some(Keeper { stop, task })
    }

    /// Hands over what is left.
    pub async fn finish(self) {
        // If the task has broken off there is nobody to tell, and nothing to wait for.
        let _ = self.stop.send(());
        if timeout(LAST, self.task).await.is_err() {
            tracing::warn!("what was used last is not kept: the database takes too long");
        }
    }
}

async fn keep(gate: Gate, every: Duration, mut stopped: oneshot::Receiver<()>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let last = tokio::select! {
            _ = ticks.tick() => false,
            _ = &mut stopped => true,
        };
        // Nothing breaks it off: what the store has would go back, and count twice.
        if let Err(error) = gate.flush_usage().await {
            tracing::warn!(code = error.code(), "which tokens were used is not kept yet: {error}");
        }
        if last {
            return;
        }
    }
}
