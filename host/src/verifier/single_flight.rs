//! Coalesces freshness checks: requests that wait at the same time share one check.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::error::Result;

/// How often the task yields so that other requests can join a check.
const GATHERING: usize = 16;

/// Shares checks among waiting requests. Each request gets the outcome of a check that began after it asked.
#[derive(Default)]
pub(super) struct SingleFlight {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<oneshot::Sender<Result<()>>>,
    /// Whether a task is running checks.
    running: bool,
}

impl SingleFlight {
    /// Joins the next check. The receiver fails if the check panicked.
    pub fn share<F, C>(&self, check: C) -> oneshot::Receiver<Result<()>>
    where
        C: Fn() -> F + Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let mut queue = lock(&self.queue);
        queue.waiting.push(sender);
        if !queue.running {
            queue.running = true;
            tokio::spawn(run(Running(Arc::clone(&self.queue)), check));
        }
        receiver
    }
}

/// Runs checks until no request waits.
async fn run<F, C>(running: Running, check: C)
where
    C: Fn() -> F,
    F: Future<Output = Result<()>>,
{
    loop {
        running.gather().await;
        let Some(waiting) = running.next() else { break };
        let outcome = check().await;
        for waiter in waiting {
            // A request that was dropped needs no answer.
            let _ = waiter.send(outcome.clone());
        }
    }
}

/// The task's claim on the queue. If the task panics, the waiting requests get an error, and the next one starts a new task.
struct Running(Arc<Mutex<Queue>>);

impl Running {
    /// Lets requests join that are about to ask: yields to ready tasks as long as that brings more of them. One check for many
    /// requests costs less than many checks. Without concurrent requests this takes no time.
    async fn gather(&self) {
        let mut before = 0;
        for _ in 0..GATHERING {
            let waiting = lock(&self.0).waiting.len();
            if waiting == before {
                break;
            }
            before = waiting;
            tokio::task::yield_now().await;
        }
    }

    /// Returns the waiting requests. If there are none, it marks the task as finished and returns `None`.
    fn next(&self) -> Option<Vec<oneshot::Sender<Result<()>>>> {
        let mut queue = lock(&self.0);
        queue.running = !queue.waiting.is_empty();
        queue.running.then(|| std::mem::take(&mut queue.waiting))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = lock(&self.0);
            queue.running = false;
            queue.waiting.clear();
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step of a test is a failed test"
)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::store::StoreError;

    #[tokio::test]
    async fn waiters_share_a_check_started_after_they_asked() {
        let checks = SingleFlight::default();
        let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let check = {
            let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
            move || {
                let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
                async move {
                    begun.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    ended.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                }
            }
        };
        let first = checks.share(check.clone());
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(begun.load(Ordering::SeqCst), 1, "the first check is under way");
        let later: Vec<_> = (0..50).map(|_| checks.share(check.clone())).collect();
        first.await.unwrap().unwrap();
        for waiter in later {
            waiter.await.unwrap().unwrap();
            assert_eq!(
                ended.load(Ordering::SeqCst),
                2,
                "it got the outcome of the second check"
            );
        }
        assert_eq!(
            begun.load(Ordering::SeqCst),
            2,
            "fifty who came later shared a second check"
        );
    }

    #[tokio::test]
    async fn failure_reaches_all_waiters_and_the_next_check_runs() {
        let checks = SingleFlight::default();
        let failing = || async { Err(StoreError::Busy.into()) };
        let (one, two) = (checks.share(failing), checks.share(failing));
        assert_eq!(one.await.unwrap().unwrap_err().code(), "store_busy");
        assert_eq!(two.await.unwrap().unwrap_err().code(), "store_busy");
        checks.share(|| async { Ok(()) }).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn panicked_check_releases_its_waiters() {
        let checks = SingleFlight::default();
        let broken = checks.share(|| async { std::panic::panic_any("broken") });
        assert!(broken.await.is_err());
        checks.share(|| async { Ok(()) }).await.unwrap().unwrap();
    }
}
