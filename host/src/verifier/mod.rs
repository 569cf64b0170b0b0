//! The verifier: verifications that see everything committed before they began.
//!
//! Tokens are held in a [`Table`](crate::Table), in the module's memory. Before each verification the verifier asks the store
//! whether anything changed since the table was last brought up to date. Requests that wait at the same time share one
//! query, which starts after the last of them arrived. So an acknowledged revocation, made by this process or by another
//! one on the same database, applies to every request that starts after it, and a verification needs no look-up of its
//! own. If the store cannot answer, no request is admitted.

mod reload_schedule;
mod rollback;
mod single_flight;
mod store_stamp;
mod table_state;
mod usage;
mod verdict_cache;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokenlatch_core::{Call, Catalogue, TableInput, ValidateRequest, Verdict};

use crate::error::{Error, ModuleError, Result};
use crate::module::{EncodedCatalogue, Module, Table};
use crate::presented::Presented;
use crate::service::Service;
use crate::store::{Changes, History, StoreError};
use rollback::Watcher;
pub use rollback::WentBack;
use single_flight::SingleFlight;
use table_state::{Loaded, SharedCatalogue, TableState};
pub(crate) use usage::Uses;

/// How long a request waits for the freshness check, and the check for the store.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the store may take to return changes. After a restore that is every record.
const LOADING: Duration = Duration::from_secs(120);

/// What a verifier decides by, besides the store.
#[derive(Clone, Debug, Default)]
pub struct VerifierOptions {
    /// The functions and routes; `None` for the built-in functions.
    pub catalogue: Option<Catalogue>,
    /// The credentials that are accepted, as the module's operation `credentials` takes them; `None` for the usual ones.
    pub credentials: Option<Vec<String>>,
}

/// Verifies requests. Clones share all state and can be used from any task.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    service: Service,
    /// The credentials that every table accepts.
    credentials: Option<Vec<String>>,
    checks: SingleFlight,
    /// Held while changes are read from the store and applied, so that the table never goes back in time.
    turn: tokio::sync::Mutex<()>,
    live: Mutex<TableState>,
    uses: Uses,
    went_back: Watcher,
    /// Held while uses are flushed.
    flushing: tokio::sync::Mutex<()>,
}

impl Verifier {
    /// Loads every account and token of the service's store, and the catalogue; `None` means the built-in one.
    ///
    /// # Errors
    /// Failures of the module and the store; `catalogue_invalid` and `feature_invalid` for the catalogue;
    /// `pepper_unknown` if a stored token was made under a pepper that the service lacks.
    pub async fn open(service: Service, catalogue: Option<Catalogue>) -> Result<Verifier> {
        let options = VerifierOptions {
            catalogue,
            ..VerifierOptions::default()
        };
        Verifier::open_with(service, options).await
    }

    /// Loads every account and token of the service's store, with these options.
    ///
    /// # Errors
    /// As [`Verifier::open`]; `credentials_invalid`.
    pub async fn open_with(service: Service, options: VerifierOptions) -> Result<Verifier> {
        let verifier = Verifier {
            inner: Arc::new(Inner {
                service,
                credentials: options.credentials,
                checks: SingleFlight::default(),
                turn: tokio::sync::Mutex::default(),
                live: Mutex::new(TableState::new(options.catalogue)),
                uses: Uses::default(),
                went_back: Watcher::default(),
                flushing: tokio::sync::Mutex::default(),
            }),
        };
        verifier.inner.catch_up().await?;
        Ok(verifier)
    }

    /// Replaces the catalogue; `None` means the built-in one. It applies to every request that begins after this
    /// returns. Until then, and after an error, the old one applies. If the table is due to be loaded again, the catalogue is
    /// checked now and applies from that load.
    ///
    /// # Errors
    /// `catalogue_invalid`, `feature_invalid`; failures of the module.
    pub async fn set_catalogue(&self, catalogue: Option<Catalogue>) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let work = tokio::task::spawn_blocking(move || inner.set_catalogue(catalogue));
        work.await
            .map_err(|_| Error::from(ModuleError::Broken("the thread panicked".to_owned())))?
    }

    /// Decides whether a call may be made. The caller's address is given in `address`, not in `call`.
    ///
    /// # Errors
    /// Failures of the module, the store and the clock: no verdict was reached, so admit nothing.
    pub async fn verify(&self, presented: Presented<'_>, call: &Call, address: Option<IpAddr>) -> Result<Arc<Verdict>> {
        let (verdict, now) = self.judge(presented, call, address).await?;
        if verdict.allowed
            && let Some(id) = &verdict.id
        {
            self.inner.uses.note(id, now);
        }
        Ok(verdict)
    }

    /// Decides whether what was admitted may go on, such as an open connection. It is not counted as another use.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_again(
        &self,
        presented: Presented<'_>,
        call: &Call,
        address: Option<IpAddr>,
    ) -> Result<Arc<Verdict>> {
        Ok(self.judge(presented, call, address).await?.0)
    }

    /// The verdict, and the time for which it was made.
    async fn judge(
        &self,
        presented: Presented<'_>,
        call: &Call,
        address: Option<IpAddr>,
    ) -> Result<(Arc<Verdict>, i64)> {
        if !self.inner.is_fresh() {
            self.ready().await?;
        }
        let now = self.inner.service.clock().now()?;
        let address = address.map(|address| address.to_string());
        let verdict = self.inner.live().verify(call, presented, address.as_deref(), now)?;
        Ok((verdict, now))
    }

    /// Starts recording which tokens are admitted, and when. The caller must then call [`Verifier::flush_usage`] from time to time.
    /// No verification waits for the store because of it.
    pub fn record_usage(&self) {
        self.inner.uses.begin();
    }

    /// Flushes the recorded uses to the store, in batches. Uses that could not be stored are kept for the next flush. If the
    /// store committed a batch but its answer was lost, those uses count twice.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn flush_usage(&self) -> Result<()> {
        let _turn = self.inner.flushing.lock().await;
        let mut taken = self.inner.uses.take();
        while let Some(batch) = taken.batch() {
            self.inner.service.store().add_usage(batch).await?;
            taken.kept();
        }
        Ok(())
    }

    /// How many admissions were not recorded because too many tokens were used between two flushes.
    #[must_use]
    pub fn missed_usage(&self) -> u64 {
        self.inner.uses.missed()
    }

    /// Brings the table up to date. Success means that a verification would succeed now.
    ///
    /// # Errors
    /// Failures of the module and the store.
    pub async fn ready(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let outcome = self.inner.checks.share(move || {
            let inner = Arc::clone(&inner);
            async move { inner.catch_up().await }
        });
        // A check that panicked or timed out has no outcome.
        let outcome = in_time(PATIENCE, outcome).await?;
        outcome.unwrap_or_else(|_| Err(StoreError::Busy.into()))
    }

    /// How many records did not fit in the module's memory: their tokens are refused as unknown. After tokens were revoked or
    /// pruned, the verifier loads everything again in the background, until all of it fits.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.inner.live().left_out()
    }

    /// Whether the database went back in time since the verifier was opened. The table followed it.
    #[must_use]
    pub fn went_back(&self) -> Option<WentBack> {
        self.inner.went_back.get()
    }

    /// Records that the database is older than the revision `before`, which was read before the verifier was opened.
    ///
    /// # Errors
    /// Failures of the store and the clock.
    pub async fn record_rollback(&self, before: i64) -> Result<()> {
        let inner = &self.inner;
        let revision = inner.service.store().revision().await?;
        inner.went_back.note(WentBack {
            times: 1,
            seen: inner.service.clock().now()?,
            before,
            after: revision.number,
            epoch: revision.epoch,
        });
        Ok(())
    }

    /// How many records are held, including revoked ones.
    #[must_use]
    pub fn records(&self) -> usize {
        self.inner.live().records()
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| StoreError::Busy.into())
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("records", &self.records())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn live(&self) -> std::sync::MutexGuard<'_, TableState> {
        // After a panic the table is loaded again or refuses; it never admits wrongly.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store's stamp shows that nothing was committed since the last check.
    fn is_fresh(&self) -> bool {
        // Reads the store's stamp first: anything committed later began after the request did.
        let stamp = self.service.store().stamp();
        stamp.is_some() && self.live().is_fresh(stamp)
    }

    /// Replaces the catalogue. This blocks for a while.
    fn set_catalogue(&self, catalogue: Option<Catalogue>) -> Result<()> {
        let encoded = EncodedCatalogue::new(catalogue.as_ref())?;
        let catalogue = Arc::new(catalogue);
        // While this is held, no table that was loaded with the old catalogue can be put in place.
        let _turn = self.turn.blocking_lock();
        if self.live().set_catalogue(&encoded, &catalogue)? {
            return Ok(());
        }
        let request = ValidateRequest {
            catalogue: catalogue.as_ref().clone(),
            ..ValidateRequest::default()
        };
        self.service.module().validate(&request)?.accepted()?;
        self.live().keep_catalogue(catalogue);
        Ok(())
    }

    /// Applies what was committed since the last check. If records did not fit in the table, this may start a load of
    /// everything in the background.
    async fn catch_up(self: &Arc<Self>) -> Result<()> {
        self.take_over().await?;
        let begun = Instant::now();
        if self.live().begin_reload(begun) {
            let reload = Reload {
                inner: Arc::clone(self),
                begun,
            };
            tokio::spawn(async move {
                // Failures of the store reach the callers of `verify`.
                let _ = reload.inner.reload().await;
            });
        }
        Ok(())
    }

    /// Loads everything into a second table while the current one serves, and swaps them if all records fit.
    async fn reload(&self) -> Result<()> {
        let store = self.service.store();
        let catalogue = self.live().catalogue();
        let all = in_time(LOADING, store.changes(None)).await??;
        let mut loaded = self.load(all, Arc::clone(&catalogue), whole).await?;
        let _turn = self.turn.lock().await;
        let changes = in_time(PATIENCE, store.changes(Some(loaded.revision()))).await??;
        if changes.whole {
            // The next check loads the current table again completely.
            return Ok(());
        }
        loaded.take_over(changes)?;
        let old = {
            let mut live = self.live();
            if !live.lacks(&catalogue) {
                return Ok(());
            }
            live.replace(loaded)
        };
        drop(old);
        tracing::info!("tokens_left_out: all tokens fit in the table again");
        Ok(())
    }

    async fn take_over(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        let store = self.service.store();
        // Before anything is read: a commit after this changes the next stamp.
        let stamp = store.stamp();
        let known = self.live().revision();
        if let Some(known) = known
            && in_time(PATIENCE, store.revision()).await?? == known
        {
            self.live().store_stamp.confirm(stamp, store.stamp(), false);
            return Ok(());
        }
        let changes = in_time(LOADING, store.changes(known)).await??;
        if let Some(known) = known.filter(|_| changes.history == History::Lost) {
            self.went_back.note(WentBack {
                times: 1,
                seen: self.service.clock().now()?,
                before: known.number,
                after: changes.revision.number,
                epoch: known.epoch,
            });
        }
        if changes.whole {
            let catalogue = self.live().catalogue();
            let begun = Instant::now();
            let loaded = self.load(changes, catalogue, Table::fitting).await?;
            let old = {
                let mut live = self.live();
                live.schedule.record_load(Instant::now(), begun.elapsed());
                live.replace(loaded)
            };
            drop(old);
        } else {
            self.live().take_over(changes)?;
        }
        self.live().store_stamp.confirm(stamp, store.stamp(), known.is_some());
        Ok(())
    }

    /// Loads everything into a new table, on a blocking thread.
    async fn load(&self, all: Changes, catalogue: SharedCatalogue, make: MakeTable) -> Result<Loaded> {
        let service = self.service.clone();
        let credentials = self.credentials.clone();
        tokio::task::spawn_blocking(move || {
            let input = TableInput {
                records: all.records,
                accounts: all.accounts,
                peppers: service.peppers().to_vec(),
                catalogue: catalogue.as_ref().clone(),
                credentials,
            };
            let table = make(service.module(), &input)?;
            Ok(Loaded::new(table, &input.records, all.revision))
        })
        .await
        .map_err(|_| Error::from(StoreError::Failed("loading the table panicked".to_owned())))?
    }
}

/// A function that creates a table of everything and returns it with the number of records that did not fit.
type MakeTable = fn(&Module, &TableInput) -> Result<(Table, usize)>;

/// Creates a table of everything; fails if a record does not fit.
fn whole(module: &Module, input: &TableInput) -> Result<(Table, usize)> {
    Ok((Table::new(module, input)?, 0))
}

/// A load that runs in the background. Its end is noted on drop, however it ends.
struct Reload {
    inner: Arc<Inner>,
    begun: Instant,
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.inner.live().schedule.end(Instant::now(), self.begun.elapsed());
    }
}
