//! The token service: a store, the module, a clock and randomness.
//!
//! The service fetches what a decision needs and keeps what was decided. Every decision is the module's.

mod accounts;
mod archive;
mod functions;
mod hashing;
mod page;
mod passwords;
mod prune;
mod tokens;
mod update;
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

use hashing::Hashing;

/// Records that one call of the module is given, however large each is: a request has at most 8 MiB.
const RECORDS_PER_CALL: usize = 100;

use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::module::Module;
use crate::store::Store;
use crate::zone::ServerZone;

/// How often a change is made anew when another process changed the same data meanwhile.
const TRIES: usize = 8;

/// Issues and checks tokens. Clones share everything.
///
/// Its functions are asynchronous for the store's sake. A small call into the module runs in place, which takes
/// microseconds; a large one runs on a blocking thread, a few at a time. Each takes at most the module's time limit.
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
    /// A service with the system's clock and randomness, without peppers, in UTC.
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

    /// Sets the peppers, newest first: new tokens are hashed under the first, and all are tried in verification.
    #[must_use]
    pub fn with_peppers(mut self, peppers: Vec<Pepper>) -> Service {
        self.peppers = peppers;
        self
    }

    /// Sets the zone in which dates given as expiries end.
    #[must_use]
    pub fn with_zone(mut self, zone: ServerZone) -> Service {
        self.zone = zone;
        self
    }

    /// The module that decides.
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

    /// The zone in which dates given as expiries end.
    #[must_use]
    pub fn zone(&self) -> &ServerZone {
        &self.zone
    }

    /// Lets go of the store's files.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
