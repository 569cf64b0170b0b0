//! The system's clock. Nothing else reads it.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::EnvironmentError;

/// A clock that returns the time in whole Unix seconds.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the current time in Unix seconds.
    ///
    /// # Errors
    /// [`EnvironmentError::Clock`] if no usable time is available. The module refuses a time that cannot be the present.
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

/// A clock that stays at the time it is set to, for demonstrations and tests.
#[derive(Debug)]
pub struct SetClock(AtomicI64);

impl SetClock {
    /// Creates a clock that is set to `now`, in Unix seconds.
    #[must_use]
    pub fn at(now: i64) -> SetClock {
        SetClock(AtomicI64::new(now))
    }

    /// Sets the time, in Unix seconds.
    pub fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Result<i64, EnvironmentError> {
        Ok(self.0.load(Ordering::SeqCst))
    }
}
