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
mod usage;
mod verdicts;
mod went_back;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokenlatch_core::{Authorization, Call, Function, SecretString, TableInput, Verdict, VerifyRequest};

use crate::error::{Error, Result};
use crate::module::{Module, Table};
use crate::service::Service;
use crate::store::{Changes, History, StoreError};
use checks::Checks;
use live::{Live, Loaded};
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
    /// judged by it; until then the old one serves, and on an error it stays.
    ///
    /// # Errors
    /// `catalogue_invalid`, `feature_invalid`; failures of the module.
    pub async fn set_catalogue(&self, catalogue: Option<Vec<Function>>) -> Result<()> {
        // No table that was loaded for the old one is put in place after this.
        let _turn = self.inner.turn.lock().await;
        self.inner.live().set_catalogue(catalogue)
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

    /// How many records had no room in the module's memory: their tokens are refused as unknown ones.
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
        let after = inner.service.store().mark().await?.revision;
        inner.went_back.note(before, after, inner.service.clock().now()?);
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

    /// Takes over what has been committed since the last time.
    async fn catch_up(&self) -> Result<()> {
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
            self.went_back
                .note(known.revision, changes.mark.revision, self.service.clock().now()?);
        }
        if changes.whole {
            let catalogue = self.live().catalogue();
            let loaded = self.load(changes, catalogue).await?;
            let old = self.live().replace(loaded);
            drop(old);
        } else {
            self.live().take_over(changes)?;
        }
        self.live().freshness.confirm(stamp, store.stamp(), known.is_some());
        Ok(())
    }

    /// Loads everything into a new table, off the threads that serve.
    async fn load(&self, all: Changes, catalogue: Option<Vec<Function>>) -> Result<Loaded> {
        let service = self.service.clone();
        let input = TableInput {
            records: all.records,
            accounts: all.accounts,
            peppers: service.peppers().to_vec(),
            catalogue,
        };
        tokio::task::spawn_blocking(move || {
            let table = Table::fitting(service.module(), &input)?;
            Ok(Loaded::new(table, &input.records, all.mark))
        })
        .await
        .map_err(|_| Error::from(StoreError::Failed("loading the table broke off".to_owned())))?
    }
}
