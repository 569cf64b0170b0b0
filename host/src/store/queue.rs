//! A queue for a process's connections. Write transactions have a queue of their own, because the database runs one at a
//! time anyway and readers need not wait for them.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::error::StoreError;

/// How long a request may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets a fixed number of requests proceed at a time, in order of arrival.
#[derive(Debug)]
pub(super) struct Queue(Semaphore);

impl Queue {
    pub(super) fn new(at_once: usize) -> Queue {
        Queue(Semaphore::new(at_once))
    }

    /// Waits for a turn. The turn ends when the permit is dropped.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        match timeout(PATIENCE, self.0.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(StoreError::Busy),
        }
    }
}
