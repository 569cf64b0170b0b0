//! Where the requests of a process wait for a connection. Queue wait apart: the database takes one at a time in any
//! case, and readers need not wait for them.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::error::StoreError;

/// How long a request may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets a few go on at a time, in the order in which they came.
#[derive(Debug)]
pub(super) struct Queue(Semaphore);

impl Queue {
    pub(super) fn new(at_once: usize) -> Queue {
        Queue(Semaphore::new(at_once))
    }

    /// Waits for a turn, which lasts as long as what is returned.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        match timeout(PATIENCE, self.0.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(StoreError::Busy),
        }
    }
}
