//! Notifies waiting requests of changes in the store. It runs only while a request waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::store::{Revision, RevisionStamp, Store, StoreError};

/// How often to check the stamp of a store whose stamp is unchanged.
const GLANCE: Duration = Duration::from_millis(10);

/// After this time such a store is queried anyway.
const LONGEST: Duration = Duration::from_secs(1);

/// How often to query a store without a stamp for its revision.
const ASK: Duration = Duration::from_millis(100);

/// The store's last answer.
#[derive(Clone, Debug, Default)]
pub(super) struct StoreState {
    /// The store's revision, or why it could not be read.
    pub(super) revision: Option<Result<Revision, StoreError>>,
}

/// Shares one polling task among all waiting requests.
#[derive(Debug)]
pub(super) struct Watch {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    seen: watch::Sender<StoreState>,
    waiting: AtomicUsize,
    /// The number of the polling task. A task ends when a newer one has started.
    turn: AtomicUsize,
    /// Signals that a request has arrived, or that a commit is likely.
    nudge: Notify,
}

/// A waiting request.
pub(super) struct Waiter<'w> {
    inner: &'w Inner,
    pub(super) seen: watch::Receiver<StoreState>,
}

impl Watch {
    pub(super) fn new(store: Arc<dyn Store>) -> Watch {
        let inner = Inner {
            store,
            seen: watch::Sender::new(StoreState::default()),
            waiting: AtomicUsize::new(0),
            turn: AtomicUsize::new(0),
            nudge: Notify::new(),
        };
        Watch { inner: Arc::new(inner) }
    }

    /// Starts to wait. The waiter sees every answer of the store after this.
    pub(super) fn wait(&self) -> Waiter<'_> {
        let inner = &self.inner;
        let mut seen = inner.seen.subscribe();
        seen.mark_unchanged();
        if inner.waiting.fetch_add(1, Ordering::SeqCst) == 0 {
            let turn = inner.turn.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
            tokio::spawn(ask(Arc::clone(inner), turn));
        }
        Waiter { inner, seen }
    }

    /// Queries the store at once if any request waits.
    pub(super) fn nudge(&self) {
        if self.inner.waiting.load(Ordering::SeqCst) > 0 {
            self.inner.nudge.notify_one();
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.inner.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Polls the store until no request waits, or another task has taken over.
async fn ask(inner: Arc<Inner>, turn: usize) {
    let mut known: Option<RevisionStamp> = None;
    let mut asked = Instant::now();
    let mut last: Option<Revision> = None;
    while inner.waiting.load(Ordering::SeqCst) > 0 && inner.turn.load(Ordering::SeqCst) == turn {
        let stamp = inner.store.stamp();
        if stamp.is_none() || stamp != known || asked.elapsed() > LONGEST {
            asked = Instant::now();
            let revision = inner.store.revision().await;
            if revision.as_ref().ok().copied() != last || revision.is_err() {
                last = revision.as_ref().ok().copied();
                inner.seen.send_replace(StoreState {
                    revision: Some(revision),
                });
            }
            known = stamp;
        }
        let pause = if stamp.is_some() { GLANCE } else { ASK };
        // A timeout and a nudge are handled alike.
        let nudged = tokio::time::timeout(pause, inner.nudge.notified()).await.is_ok();
        if nudged {
            known = None;
        }
    }
}
