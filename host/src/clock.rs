//! The one place that reads the system's clock.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::EnvironmentError;

/// Tells the time in whole Unix seconds.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now.
    ///
    /// # Errors
    /// [`EnvironmentError::Clock`] when there is no usable time. The module refuses a time that cannot be the present.
    fn now(&self) -> Result<i64, EnvironmentError>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Result<i64, EnvironmentError> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(|_| EnvironmentError::Clock)?;
        i64::try_from(since.as_secs()).map_err(|_| EnvironmentError::Clock)
    }
}

/// A clock that stands where it was set: for demonstrations and tests.
#[derive(Debug)]
pub struct SetClock(AtomicI64);

impl SetClock {
    /// A clock that stands at this time.
    #[must_use]
    pub fn at(now: i64) -> SetClock {
        SetClock(AtomicI64::new(now))
    }

    /// Sets the clock.
    pub fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Result<i64, EnvironmentError> {
        Ok(self.0.load(Ordering::SeqCst))
    }
}
