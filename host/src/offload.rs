//! Runs work that may take more than a millisecond outside the async runtime's threads, with a limit on concurrency.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::error::ModuleError;

/// Work on at most this many bytes runs in place, because it takes well under a millisecond.
pub const LIGHT: usize = 8 << 10;

/// Limits concurrent heavy work to one task per processor, which is far fewer than the module has instances.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, NonZero::get);
    Semaphore::new(processors.clamp(1, 8))
});

/// Runs heavy work on a blocking thread. Work that has started keeps its permit until it ends, even if its caller is
/// gone.
///
/// # Errors
/// [`ModuleError::Broken`] if the work panicked.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ModuleError> {
    let broken = || ModuleError::Broken("the thread panicked".to_owned());
    // The semaphore is never closed.
    let place = PLACES.acquire().await.map_err(|_| broken())?;
    let work = spawn_blocking(move || {
        let _place = place;
        work()
    });
    work.await.map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a failed step of a test is a failed test, and one test is about a panic"
    )]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn heavy_work_runs_on_a_bounded_number_of_threads() {
        let here = std::thread::current().id();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let all: Vec<_> = (0..40)
            .map(|_| {
                let (now, most) = (now.clone(), most.clone());
                tokio::spawn(run(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                    std::thread::current().id()
                }))
            })
            .collect();
        for one in all {
            assert_ne!(one.await.unwrap().unwrap(), here);
        }
        assert!((1..=8).contains(&most.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn panic_is_an_error_and_releases_the_permit() {
        for _ in 0..20 {
            let outcome = run(|| std::panic::panic_any("broken")).await;
            assert_eq!(outcome.map_err(|error| error.code()), Err::<(), _>("module_broken"));
        }
        assert_eq!(run(|| 1).await, Ok(1));
    }
}
