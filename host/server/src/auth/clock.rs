//! The clock by which limits on attempts count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governor::clock::{Clock, ReasonablyRealtime};

/// A monotonic clock, as the time since its start.
#[derive(Clone, Debug)]
pub struct MonotonicClock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(Instant),
    Set(Arc<AtomicU64>),
}

impl MonotonicClock {
    /// The system's monotonic clock.
    #[must_use]
    pub fn system() -> MonotonicClock {
        MonotonicClock(Source::System(Instant::now()))
    }

    /// A clock that only moves by [`MonotonicClock::advance`], for tests.
    #[must_use]
    pub fn manual() -> MonotonicClock {
        MonotonicClock(Source::Set(Arc::default()))
    }

    /// The current time.
    pub(crate) fn now_since_start(&self) -> Duration {
        Clock::now(self)
    }

    /// Moves a test clock, and its clones, forward.
    pub fn advance(&self, time: Duration) {
        if let Source::Set(millis) = &self.0 {
            let step = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            millis.fetch_add(step, Ordering::SeqCst);
        }
    }
}

impl Clock for MonotonicClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        match &self.0 {
            Source::System(start) => start.elapsed(),
            Source::Set(millis) => Duration::from_millis(millis.load(Ordering::SeqCst)),
        }
    }
}

impl ReasonablyRealtime for MonotonicClock {}
