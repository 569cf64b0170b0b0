//! The pool of instances.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::engine::Compiled;
use super::instance::Instance;
use super::limits::Limits;
use crate::error::ModuleError;

/// A pool of a limited number of instances. Each is lent to one caller at a time.
pub(crate) struct Pool {
    state: Mutex<State>,
    freed: Condvar,
    limits: Limits,
}

#[derive(Default)]
struct State {
    idle: Vec<Instance>,
    lent: usize,
}

impl Pool {
    pub(crate) fn new(limits: Limits) -> Pool {
        Pool {
            state: Mutex::default(),
            freed: Condvar::new(),
            limits,
        }
    }

    /// Lends an instance to `work`. It returns to the pool only if it is intact and small; otherwise it is discarded.
    pub(crate) fn with<T>(
        &self,
        compiled: &Compiled,
        work: impl FnOnce(&mut Instance) -> Result<T, ModuleError>,
    ) -> Result<T, ModuleError> {
        let mut lease = self.lend(compiled)?;
        let Some(instance) = lease.instance.as_mut() else {
            return Err(ModuleError::Busy);
        };
        let outcome = work(instance);
        let whole = match &outcome {
            Ok(_) => true,
            Err(error) => error.leaves_instance_whole(),
        };
        if !whole || instance.memory_size() > self.limits.kept_memory {
            lease.instance = None;
        }
        outcome
    }

    pub(crate) fn idle(&self) -> usize {
        self.lock().idle.len()
    }

    fn lend(&self, compiled: &Compiled) -> Result<Lease<'_>, ModuleError> {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(instance) = state.idle.pop() {
                state.lent += 1;
                return Ok(Lease {
                    pool: self,
                    instance: Some(instance),
                });
            }
            if state.lent < self.limits.instances {
                state.lent += 1;
                drop(state);
                // From here on the lease frees the place, even after a panic.
                let mut lease = Lease {
                    pool: self,
                    instance: None,
                };
                lease.instance = Some(Instance::new(compiled, self.limits)?);
                return Ok(lease);
            }
            let left = self.limits.time.checked_sub(start.elapsed()).ok_or(ModuleError::Busy)?;
            state = self
                .freed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The lock only covers counting and moving, so its state is valid even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lent instance. If the caller panics, the instance is dropped.
struct Lease<'a> {
    pool: &'a Pool,
    instance: Option<Instance>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let kept = if std::thread::panicking() {
            None
        } else {
            self.instance.take()
        };
        let mut state = self.pool.lock();
        state.lent -= 1;
        state.idle.extend(kept);
        drop(state);
        self.pool.freed.notify_one();
    }
}
