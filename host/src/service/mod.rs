//! The token service: a store, the module, a clock and randomness.
//!
//! The service reads what a decision needs and stores the result. The module makes every decision.

mod accounts;
mod archive;
mod functions;
mod hashing;
mod page;
mod passwords;
mod prune;
mod selector;
mod tokens;
mod update;
mod validation;
mod verification;

use std::sync::Arc;

use tokenlatch_core::Pepper;

pub use archive::{ArchiveFile, ArchiveKind, Newer, RestoreChoice, Restored, Revived};
pub use functions::wipe_values;
pub use functions::{AskingToken, FunctionCall, FunctionFailure};
pub use page::{ListedToken, PagedTokens};
pub use prune::KEPT_REVOKED_DAYS;
pub use tokens::{ListOptions, NewToken, Revocation};
pub use update::TokenUpdate;
pub use validation::ExpiryTerms;

use hashing::Hashing;

/// The number of records in one call of the module, chosen so that even the largest stay below the request limit of 8 MiB.
const RECORDS_PER_CALL: usize = 100;

use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::module::Module;
use crate::store::Store;
use crate::zone::ServerZone;

/// How often a change is retried when another process changed the same data concurrently.
const TRIES: usize = 8;

/// Issues and verifies tokens. Clones share all state.
///
/// Methods are async because the store is. A small call into the module runs in place, which takes microseconds; a large
/// one runs on a blocking thread, a few at a time. Each takes at most the module's time limit.
#[derive(Clone, Debug)]
pub struct Service {
    module: Module,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    peppers: Vec<Pepper>,
    zone: ServerZone,
    hashing: Hashing,
}

impl Service {
    /// Creates a service with the system's clock and randomness, without peppers, in UTC.
    #[must_use]
    pub fn new(module: Module, store: Arc<dyn Store>) -> Service {
        Service {
            module,
            store,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            peppers: Vec::new(),
            zone: ServerZone::UTC,
            hashing: Hashing::new(),
        }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Service {
        self.clock = clock;
        self
    }

    /// Sets the source of randomness.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Service {
        self.entropy = entropy;
        self
    }

    /// Sets the peppers, newest first: new tokens are hashed under the first, and verification tries all.
    #[must_use]
    pub fn with_peppers(mut self, peppers: Vec<Pepper>) -> Service {
        self.peppers = peppers;
        self
    }

    /// Sets the time zone in which expiry dates end.
    #[must_use]
    pub fn with_zone(mut self, zone: ServerZone) -> Service {
        self.zone = zone;
        self
    }

    /// The module that makes the decisions.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The source of randomness.
    #[must_use]
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    /// The peppers, newest first.
    #[must_use]
    pub fn peppers(&self) -> &[Pepper] {
        &self.peppers
    }

    /// The time zone in which expiry dates end.
    #[must_use]
    pub fn zone(&self) -> &ServerZone {
        &self.zone
    }

    /// Closes the store.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
