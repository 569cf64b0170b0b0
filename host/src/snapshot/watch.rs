//! Tells those who wait for a change, while anybody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::store::{Mark, Stamp, Store, StoreError};

/// How often a store is looked at whose token tells that nothing was committed.
const GLANCE: Duration = Duration::from_millis(10);

/// After this time such a store is asked all the same.
const LONGEST: Duration = Duration::from_secs(1);

/// How often any other store is asked where it stands.
const ASK: Duration = Duration::from_millis(100);

/// What the store said last.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Where it stands, or why that cannot be told.
    pub(super) mark: Option<Result<Mark, StoreError>>,
}

/// One task asks for all who wait.
#[derive(Debug)]
pub(super) struct Watch {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    seen: watch::Sender<Seen>,
    waiting: AtomicUsize,
    /// The number of the task that asks: one that another came after ends.
    turn: AtomicUsize,
    /// Somebody has come, or has reason to think that something was committed.
    nudge: Notify,
}

/// Somebody's share in the waiting.
pub(super) struct Waiter<'w> {
    inner: &'w Inner,
    pub(super) seen: watch::Receiver<Seen>,
}

impl Watch {
    pub(super) fn new(store: Arc<dyn Store>) -> Watch {
        let inner = Inner {
            store,
            seen: watch::Sender::new(Seen::default()),
            waiting: AtomicUsize::new(0),
            turn: AtomicUsize::new(0),
            nudge: Notify::new(),
        };
        Watch { inner: Arc::new(inner) }
    }

    /// Begins to wait. What the store says after this is seen.
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

    /// Asks at once, if anybody waits.
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

/// Asks until nobody waits, or another task does so.
async fn ask(inner: Arc<Inner>, turn: usize) {
    let mut known: Option<Stamp> = None;
    let mut asked = Instant::now();
    let mut last: Option<Mark> = None;
    while inner.waiting.load(Ordering::SeqCst) > 0 && inner.turn.load(Ordering::SeqCst) == turn {
        let stamp = inner.store.stamp();
        if stamp.is_none() || stamp != known || asked.elapsed() > LONGEST {
            asked = Instant::now();
            let mark = inner.store.mark().await;
            if mark.as_ref().ok().copied() != last || mark.is_err() {
                last = mark.as_ref().ok().copied();
                inner.seen.send_replace(Seen { mark: Some(mark) });
            }
            known = stamp;
        }
        let pause = if stamp.is_some() { GLANCE } else { ASK };
        // Whether it was time or a nudge makes no difference.
        let nudged = tokio::time::timeout(pause, inner.nudge.notified()).await.is_ok();
        if nudged {
            known = None;
        }
    }
}
