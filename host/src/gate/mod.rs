//! The gate: verifications that know everything that was committed before they began.
//!
//! The tokens stand in a [`Table`](crate::Table), in the module's memory. Before each verification the store is asked
//! whether anything has changed since the table was last brought up to date; requests that wait at the same time share
//! one question, which is put after the last of them came. So a revocation that has been acknowledged, by this process
//! or another one on the same database, is in force for every request that starts after it, and a verification costs no
//! look-up of its own. When the store cannot answer, nothing is admitted.

mod checks;
mod freshness;
mod live;
mod room;
mod usage;
mod verdicts;
mod went_back;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokenlatch_core::{Authorization, Call, Function, SecretString, TableInput, Verdict, VerifyRequest};

use crate::error::{Error, ModuleError, Result};
use crate::module::{EncodedCatalogue, Module, Table};
use crate::service::Service;
use crate::store::{Changes, History, StoreError};
use checks::Checks;
use live::{Catalogue, Live, Loaded};
pub(crate) use usage::Uses;
use went_back::Watcher;
pub use went_back::WentBack;

/// How long a request waits to learn whether the table is up to date, and the check for the store's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the store may take to hand over what has changed: after a restore that is everything.
const LOADING: Duration = Duration::from_secs(120);

/// What a request presented as its `Authorization`.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// No such field.
    Missing,
    /// The value of the one field.
    One(&'a [u8]),
    /// More than one field.
    Repeated,
}

/// A presented value may hold a secret.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Presented::Missing => "Missing",
            Presented::One(_) => "One(…)",
            Presented::Repeated => "Repeated",
        })
    }
}

/// Verifies requests. Clones share everything; any task may ask.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    service: Service,
    checks: Checks,
    /// Held by whoever reads changes from the store and takes them over, so that the table never goes back in time.
    turn: tokio::sync::Mutex<()>,
    live: Mutex<Live>,
    uses: Uses,
    went_back: Watcher,
    /// Held while uses are handed over.
    handing: tokio::sync::Mutex<()>,
}

impl Gate {
    /// Loads every account and token of the service's store, and the catalogue of functions; `None` is the built-in one.
    ///
    /// # Errors
    /// Failures of the module and the store; `catalogue_invalid` and `feature_invalid` for the catalogue;
    /// `pepper_unknown` when a stored token was made under a pepper that the service lacks.
    pub async fn open(service: Service, catalogue: Option<Vec<Function>>) -> Result<Gate> {
        let gate = Gate {
            inner: Arc::new(Inner {
                service,
                checks: Checks::default(),
                turn: tokio::sync::Mutex::default(),
                live: Mutex::new(Live::new(catalogue)),
                uses: Uses::default(),
                went_back: Watcher::default(),
                handing: tokio::sync::Mutex::default(),
            }),
        };
        gate.inner.catch_up().await?;
        Ok(gate)
    }

    /// Replaces the catalogue of functions; `None` is the built-in one. Every request that begins after this returns is
    /// judged by it; until then the old one serves, and on an error it stays. Where the table is to be loaded again it is
    /// checked all the same, and in force from that load.
    ///
    /// # Errors
    /// `catalogue_invalid`, `feature_invalid`; failures of the module.
    pub async fn set_catalogue(&self, catalogue: Option<Vec<Function>>) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let work = tokio::task::spawn_blocking(move || inner.set_catalogue(catalogue));
        work.await
            .map_err(|_| Error::from(ModuleError::Broken("the thread panicked".to_owned())))?
    }

    /// Decides whether a call may be made. `call` names no address: `address` does.
    ///
    /// # Errors
    /// Only where no verdict could be had: admit nothing.
    pub async fn verify(
        &self,
        authorization: Presented<'_>,
        call: &Call,
        address: Option<IpAddr>,
    ) -> Result<Arc<Verdict>> {
        if !self.inner.is_fresh() {
            self.ready().await?;
        }
        let now = self.inner.service.clock().now()?;
        let header = match authorization {
            Presented::Missing => &[],
            Presented::One(bytes) => bytes,
            Presented::Repeated => return repeated(self.inner.service.module(), now).map(Arc::new),
        };
        let address = address.map(|address| address.to_string());
        let verdict = self.inner.live().verify(call, header, address.as_deref(), now)?;
        if verdict.allowed
            && let Some(id) = &verdict.id
        {
            self.inner.uses.note(id, now);
        }
        Ok(verdict)
    }

    /// From now on it is noted which tokens are admitted, and when: whoever calls this calls [`Gate::flush_usage`] now and
    /// then. No verification waits for the store because of it.
    pub fn note_usage(&self) {
        self.inner.uses.begin();
    }

    /// Hands to the store what was noted since the last time, some tokens at a step. What was not handed over because of
    /// a failure is kept for the next time; where the store did its work and its answer was lost, uses count twice.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn flush_usage(&self) -> Result<()> {
        let _turn = self.inner.handing.lock().await;
        let mut taken = self.inner.uses.take();
        while let Some(batch) = taken.batch() {
            self.inner.service.store().add_usage(batch).await?;
            taken.kept();
        }
        Ok(())
    }

    /// How many admissions were not noted, because too many tokens were used between two flushes.
    #[must_use]
    pub fn missed_usage(&self) -> u64 {
        self.inner.uses.missed()
    }

    /// Brings the table up to date: a verification could be had now.
    ///
    /// # Errors
    /// Failures of the module and the store.
    pub async fn ready(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let outcome = self.inner.checks.share(move || {
            let inner = Arc::clone(&inner);
            async move { inner.catch_up().await }
        });
        // A check that broke off, or takes too long, has told nothing.
        let outcome = in_time(PATIENCE, outcome).await?;
        outcome.unwrap_or_else(|_| Err(StoreError::Busy.into()))
    }

    /// How many records had no room in the module's memory: their tokens are refused as unknown ones. After tokens were
    /// revoked or pruned everything is loaded again, aside and now and then, until all of it has room.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.inner.live().left_out()
    }

    /// Whether the database went back in time since this was opened. The table followed it.
    #[must_use]
    pub fn went_back(&self) -> Option<WentBack> {
        self.inner.went_back.get()
    }

    /// Notes that the database is older than a revision that was read before this was opened.
    ///
    /// # Errors
    /// Failures of the store and the clock.
    pub async fn note_older(&self, before: i64) -> Result<()> {
        let inner = &self.inner;
        let mark = inner.service.store().mark().await?;
        inner.went_back.note(WentBack {
            times: 1,
            seen: inner.service.clock().now()?,
            before,
            after: mark.revision,
            epoch: mark.epoch,
        });
        Ok(())
    }

    /// How many records are held, revoked ones too.
    #[must_use]
    pub fn records(&self) -> usize {
        self.inner.live().records()
    }
}

/// The verdict on several fields: which of them is meant cannot be told, so none is looked at.
pub(crate) fn repeated(module: &Module, now: i64) -> Result<Verdict> {
    module.verify(&VerifyRequest {
        now,
        authorization: Authorization::Many(vec![SecretString::from(""), SecretString::from("")]),
        record: None,
        account: None,
        call: None,
        peppers: Vec::new(),
        catalogue: None,
    })
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| StoreError::Busy.into())
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("records", &self.records())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn live(&self) -> std::sync::MutexGuard<'_, Live> {
        // What a panic may have left behind is a table that is loaded anew or refuses: never a wrong admission.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store's token tells that nothing was committed since the last check.
    fn is_fresh(&self) -> bool {
        // The store's first: what is committed after this look began after the request did.
        let stamp = self.service.store().stamp();
        stamp.is_some() && self.live().is_fresh(stamp)
    }

    /// Replaces the catalogue. It takes a while and blocks.
    fn set_catalogue(&self, catalogue: Option<Vec<Function>>) -> Result<()> {
        let encoded = EncodedCatalogue::new(catalogue.as_deref())?;
        let catalogue = Arc::new(catalogue);
        // No table that was loaded for the old one is put in place after this.
        let _turn = self.turn.blocking_lock();
        if self.live().set_catalogue(&encoded, &catalogue)? {
            return Ok(());
        }
        let empty = TableInput {
            records: Vec::new(),
            accounts: Vec::new(),
            peppers: self.service.peppers().to_vec(),
            catalogue: catalogue.as_ref().clone(),
        };
        Table::new(self.service.module(), &empty)?;
        self.live().keep_catalogue(catalogue);
        Ok(())
    }

    /// Takes over what has been committed since the last time. Where records had no room in the table, loading everything
    /// once more may be begun.
    async fn catch_up(self: &Arc<Self>) -> Result<()> {
        self.take_over().await?;
        let begun = Instant::now();
        if self.live().begin_reload(begun) {
            let reload = Reload {
                inner: Arc::clone(self),
                begun,
            };
            tokio::spawn(async move {
                // Failures of the store are told to those who verify.
                let _ = reload.inner.reload().await;
            });
        }
        Ok(())
    }

    /// Loads everything into another table, while the old one serves, and puts it in place if all of it has room.
    async fn reload(&self) -> Result<()> {
        let store = self.service.store();
        let catalogue = self.live().catalogue();
        let all = in_time(LOADING, store.changes(None)).await??;
        let mut loaded = self.load(all, Arc::clone(&catalogue), whole).await?;
        let _turn = self.turn.lock().await;
        let changes = in_time(PATIENCE, store.changes(Some(loaded.mark()))).await??;
        if changes.whole {
            // The table in place is loaded again as a whole by the next check.
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
        tracing::info!("tokens_left_out: every token has room in the table again");
        Ok(())
    }

    async fn take_over(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        let store = self.service.store();
        // Before anything is read: what is committed meanwhile changes the next token.
        let stamp = store.stamp();
        let known = self.live().mark();
        if let Some(known) = known
            && in_time(PATIENCE, store.mark()).await?? == known
        {
            self.live().freshness.confirm(stamp, store.stamp(), false);
            return Ok(());
        }
        let changes = in_time(LOADING, store.changes(known)).await??;
        if let Some(known) = known.filter(|_| changes.history == History::Lost) {
            self.went_back.note(WentBack {
                times: 1,
                seen: self.service.clock().now()?,
                before: known.revision,
                after: changes.mark.revision,
                epoch: known.epoch,
            });
        }
        if changes.whole {
            let catalogue = self.live().catalogue();
            let begun = Instant::now();
            let loaded = self.load(changes, catalogue, Table::fitting).await?;
            let old = {
                let mut live = self.live();
                live.room.note_load(Instant::now(), begun.elapsed());
                live.replace(loaded)
            };
            drop(old);
        } else {
            self.live().take_over(changes)?;
        }
        self.live().freshness.confirm(stamp, store.stamp(), known.is_some());
        Ok(())
    }

    /// Loads everything into a new table, off the threads that serve.
    async fn load(&self, all: Changes, catalogue: Catalogue, make: MakeTable) -> Result<Loaded> {
        let service = self.service.clone();
        tokio::task::spawn_blocking(move || {
            let input = TableInput {
                records: all.records,
                accounts: all.accounts,
                peppers: service.peppers().to_vec(),
                catalogue: catalogue.as_ref().clone(),
            };
            let table = make(service.module(), &input)?;
            Ok(Loaded::new(table, &input.records, all.mark))
        })
        .await
        .map_err(|_| Error::from(StoreError::Failed("loading the table broke off".to_owned())))?
    }
}

/// Makes a table of everything, and returns how many records had no room in it.
type MakeTable = fn(&Module, &TableInput) -> Result<(Table, usize)>;

/// A table of everything, or an error.
fn whole(module: &Module, input: &TableInput) -> Result<(Table, usize)> {
    Ok((Table::new(module, input)?, 0))
}

/// A load that is under way aside, whatever becomes of it.
struct Reload {
    inner: Arc<Inner>,
    begun: Instant,
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.inner.live().room.end(Instant::now(), self.begun.elapsed());
    }
}
