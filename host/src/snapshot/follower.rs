//! The edge: follows an origin, decides by the table that it holds, and reports uses.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokenlatch_core::{
    Call, Catalogue, ErrorCode, MESSAGE_HEAD_BYTES, Pepper, SnapshotOptions, SnapshotState, Verdict,
};

use super::pace::{LONGEST, Pace};
use super::replica::Replica;
use super::reports::Reports;
use super::source::{Fetch, Fetched, Source, SourceError};
use super::state_file::StateFile;
use crate::clock::{Clock, SystemClock};
use crate::error::{EnvironmentError, Error, Result};
use crate::hex::hex;
use crate::module::Module;
use crate::presented::Presented;

/// The longest time that the origin is asked to wait for a change.
const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// The time limit for the start of an answer, connecting included, on top of the requested wait.
const ANSWER: Duration = Duration::from_secs(30);

/// The pause after a failure: first and longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The time limit for the last report when the edge stops.
const LAST: Duration = Duration::from_secs(5);

/// The configuration of a follower.
#[derive(Clone, Debug)]
pub struct FollowerOptions {
    /// The trusted Ed25519 public keys, in hex. Several while the origin changes its key.
    pub public_keys: Vec<String>,
    /// The peppers, newest first.
    pub peppers: Vec<Pepper>,
    /// The functions; `None` for the built-in ones.
    pub catalogue: Option<Catalogue>,
    /// The credentials that are accepted, as the module's operation `credentials` takes them; `None` for the usual ones.
    pub credentials: Option<Vec<String>>,
    /// The file that records which table was held. Without it, an old table could pass as the newest after a restart.
    pub state_file: Option<PathBuf>,
    /// The pause between two requests if the origin should not wait for changes. `None`: the origin waits and answers at once
    /// when something changes.
    pub poll: Option<Duration>,
    /// The grace period for an answer's body: it may take this long plus a second for each 16 KiB received, and at most two
    /// minutes.
    pub timeout: Duration,
    /// How often uses are reported; zero means never.
    pub usage_interval: Duration,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl FollowerOptions {
    /// Creates options with these keys, the system's clock, no peppers and no state file.
    #[must_use]
    pub fn new(public_keys: Vec<String>) -> FollowerOptions {
        FollowerOptions {
            public_keys,
            peppers: Vec::new(),
            catalogue: None,
            credentials: None,
            state_file: None,
            poll: None,
            timeout: Duration::from_secs(10),
            usage_interval: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
        }
    }
}

/// The state of a follower.
#[derive(Clone, Debug, Default)]
pub struct FollowerStatus {
    /// The table that is held; `None` before the first.
    pub state: Option<SnapshotState>,
    /// The code of the last error with the origin, until a request succeeds.
    pub failing: Option<&'static str>,
    /// The number of messages applied, including heartbeats.
    pub taken: u64,
    /// The number of messages refused.
    pub refused: u64,
    /// The number of whole tables applied.
    pub wholes: u64,
    /// The number of admissions that were not reported, because too many tokens were used at once or the origin refused them.
    pub missed_uses: u64,
    /// Why the state file, which prevents roll-backs, could not be written the last time.
    pub unwritten: Option<String>,
}

/// Verifies requests by a signed table that it keeps up to date. Clones share all state and can be used from any task.
#[derive(Clone)]
pub struct Follower {
    inner: Arc<Inner>,
}

struct Inner {
    replica: Replica,
    file: StateFile,
    clock: Arc<dyn Clock>,
    poll: Option<Duration>,
    timeout: Duration,
    usage_interval: Duration,
    status: Mutex<FollowerStatus>,
    /// Uses that the origin refused.
    lost: AtomicU64,
    /// This process's name in reports.
    name: String,
}

/// The error of one request to the origin.
enum Failed {
    Source(SourceError),
    Refused(Error),
}

impl Follower {
    /// Creates an edge. It holds no table yet, and refuses everything.
    ///
    /// # Errors
    /// Refusals of the module for keys, peppers, catalogue and credentials; [`EnvironmentError`] for the state file and for randomness.
    pub fn new(module: &Module, options: FollowerOptions) -> Result<Follower> {
        let file = StateFile::new(options.state_file.as_deref());
        let floor = file.read().map_err(|error| EnvironmentError::FollowerState {
            path: options.state_file.clone().unwrap_or_default(),
            reason: error.to_string(),
        })?;
        let mut name = [0; 12];
        getrandom::fill(&mut name).map_err(|error| EnvironmentError::Entropy(error.to_string()))?;
        let replica = Replica::new(
            module,
            SnapshotOptions {
                public_keys: options.public_keys,
                peppers: options.peppers,
                catalogue: options.catalogue,
                credentials: options.credentials,
                floor,
                ..SnapshotOptions::default()
            },
        )?;
        let inner = Inner {
            replica,
            file,
            clock: options.clock,
            poll: options.poll,
            timeout: options.timeout,
            usage_interval: options.usage_interval,
            status: Mutex::default(),
            lost: AtomicU64::new(0),
            name: hex(&name),
        };
        Ok(Follower { inner: Arc::new(inner) })
    }

    /// Decides whether a call may be made, by the table that is held. The caller's address is given in `address`, not in `call`.
    ///
    /// # Errors
    /// Failures of the module and the clock: no verdict was reached, so admit nothing.
    pub fn verify(&self, presented: Presented<'_>, call: &Call, address: Option<IpAddr>) -> Result<Arc<Verdict>> {
        self.judge(presented, call, address, Replica::verify)
    }

    /// Decides whether what was admitted may go on, such as an open connection. It is not counted as another use.
    ///
    /// # Errors
    /// As [`Follower::verify`].
    pub fn verify_again(&self, presented: Presented<'_>, call: &Call, address: Option<IpAddr>) -> Result<Arc<Verdict>> {
        self.judge(presented, call, address, Replica::verify_again)
    }

    fn judge(
        &self,
        presented: Presented<'_>,
        call: &Call,
        address: Option<IpAddr>,
        verify: impl Fn(&Replica, Presented<'_>, &Call, Option<&str>, i64) -> Result<Arc<Verdict>>,
    ) -> Result<Arc<Verdict>> {
        let inner = &self.inner;
        let now = inner.clock.now()?;
        let address = address.map(|address| address.to_string());
        let outcome = verify(&inner.replica, presented, call, address.as_deref(), now);
        if let Err(Error::Module(error)) = &outcome
            && !error.leaves_instance_whole()
        {
            inner.renew(error.code());
        }
        outcome
    }

    /// Replaces the catalogue; `None` means the built-in one. It applies to every request that begins after this
    /// returns. On an error the old one stays. A large catalogue takes some milliseconds, so async programs should call this on
    /// a blocking thread.
    ///
    /// # Errors
    /// `catalogue_invalid`, `feature_invalid`; failures of the module.
    pub fn set_catalogue(&self, catalogue: Option<Catalogue>) -> Result<()> {
        self.inner.replica.set_catalogue(catalogue)
    }

    /// Returns the reason why the edge cannot decide now, such as `snapshot_stale`; `None` if it can.
    ///
    /// # Errors
    /// As [`Follower::verify`].
    pub fn unready(&self) -> Result<Option<&'static str>> {
        let verdict = self.verify(Presented::Missing, &Call::default(), None)?;
        Ok((verdict.status == 503).then(|| verdict.reason.as_str()))
    }

    /// Returns the follower's state.
    #[must_use]
    pub fn status(&self) -> FollowerStatus {
        FollowerStatus {
            state: self.inner.replica.state(),
            missed_uses: self
                .inner
                .replica
                .missed()
                .saturating_add(self.inner.lost.load(Ordering::Relaxed)),
            ..self.inner.status().clone()
        }
    }

    /// The module that makes the decisions.
    #[must_use]
    pub fn module(&self) -> &Module {
        self.inner.replica.module()
    }

    /// Follows an origin until `stop` completes. Then it reports the last uses.
    pub async fn run(&self, source: Arc<dyn Source>, stop: impl Future) {
        let inner = &self.inner;
        let following = inner.follow(source.as_ref());
        if inner.usage_interval.is_zero() {
            tokio::select! { () = following => {}, _ = stop => {} }
            return;
        }
        inner.replica.record_uses();
        let mut reports = Reports::new(&inner.replica, &inner.name, &inner.lost);
        tokio::select! {
            () = following => {}
            () = reports.keep(source.as_ref(), inner.usage_interval) => {}
            _ = stop => {}
        }
        let last = tokio::time::timeout(LAST, reports.send_pending(source.as_ref())).await;
        if !matches!(last, Ok(Ok(()))) {
            tracing::warn!("usage is not reported: the origin cannot be reached");
        }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn status(&self) -> MutexGuard<'_, FollowerStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces a broken instance by a new one, unless another caller already did.
    fn renew(&self, code: &'static str) {
        if let Err(error) = self.replica.renew() {
            tracing::warn!("the module trapped and cannot be run again: {error}");
        }
        self.status().failing = Some(code);
    }

    /// Returns the pause between two requests, limited so that the table does not become stale between them.
    fn at_most(&self, poll: Duration) -> Duration {
        self.replica
            .state()
            .map_or(poll, |state| poll.min(third(state.max_age)))
    }

    async fn follow(&self, source: &dyn Source) {
        let mut whole = true;
        let mut failures = 0_u32;
        let mut known = None;
        loop {
            let begun = Instant::now();
            match self.round(source, whole).await {
                Ok(gap) => {
                    let before = self.status().failing.take();
                    if let Some(code) = before {
                        tracing::warn!("following the origin again, after {code}");
                    }
                    failures = 0;
                    whole = gap;
                    let version = self.replica.state().map(|state| (state.epoch, state.version));
                    let news = std::mem::replace(&mut known, version) != version;
                    if let Some(poll) = self.poll.filter(|_| !gap).map(|poll| self.at_most(poll)) {
                        // The interval counts from request to request, so the answer's duration is subtracted.
                        tokio::time::sleep(poll.saturating_sub(begun.elapsed())).await;
                    } else if !news && begun.elapsed() < FIRST_PAUSE {
                        // An origin that is shutting down answers at once; this prevents a busy loop.
                        tokio::time::sleep(FIRST_PAUSE).await;
                    }
                }
                Err(failed) => {
                    whole |= self.fail(&failed);
                    tokio::time::sleep(pause(failures)).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// Records an error. Returns `true` if only a whole table can help.
    fn fail(&self, failed: &Failed) -> bool {
        let (code, message) = match failed {
            Failed::Source(error) => (error.code, error.to_string()),
            Failed::Refused(error) => (error.code(), error.message()),
        };
        let known = {
            let mut status = self.status();
            if matches!(failed, Failed::Refused(_)) {
                status.refused = status.refused.saturating_add(1);
            }
            status.failing.replace(code)
        };
        // Logged once, however often it happens.
        if known != Some(code) {
            tracing::warn!("following the origin failed: {message} ({code})");
        }
        match failed {
            // A whole table may be accepted where a delta is not, such as one with names after one without. A message that is too
            // early for this edge's clock is also too early as a whole table.
            Failed::Refused(Error::Refused(error)) => error.code != ErrorCode::ClockBackwards,
            Failed::Refused(Error::Module(error)) if !error.leaves_instance_whole() => {
                self.renew(error.code());
                true
            }
            _ => false,
        }
    }

    /// Warns that the state file, which prevents roll-backs, cannot be written. Warns once until a write succeeds.
    fn warn_unwritable(&self, reason: Option<String>) {
        let known = std::mem::replace(&mut self.status().unwritten, reason.clone());
        if let Some(reason) = reason.filter(|reason| known.as_ref() != Some(reason)) {
            tracing::warn!("{} cannot be written: {reason}", self.file);
        }
    }

    /// Makes one request and applies its answer. Returns `true` if the origin has no delta from the held version.
    async fn round(&self, source: &dyn Source, whole: bool) -> std::result::Result<bool, Failed> {
        let held = self.replica.state().filter(|_| !whole);
        let what = held.map_or(Fetch::Snapshot, |held| Fetch::Deltas {
            epoch: held.epoch,
            version: held.version,
            wait: self.poll.map_or_else(|| wait(held.max_age), |_| Duration::ZERO),
        });
        let begins = match what {
            Fetch::Snapshot => LONGEST,
            Fetch::Deltas { wait, .. } => wait,
        };
        let fetched = tokio::time::timeout(begins + ANSWER, source.fetch(what)).await;
        let late = |_| SourceError::new("origin_timeout", "the origin does not answer");
        let mut pieces = match fetched.map_err(late).flatten().map_err(Failed::Source)? {
            Fetched::Gap => return Ok(true),
            Fetched::Pieces(pieces) => pieces,
        };
        let mut pace = Pace::new(self.timeout);
        let length = |piece: &Option<std::result::Result<Vec<u8>, SourceError>>| {
            piece.as_ref().and_then(|piece| piece.as_ref().ok()).map_or(0, Vec::len)
        };
        let mut first = Vec::new();
        let mut left = None;
        while let Some(piece) = pace.next(pieces.recv(), length).await.map_err(Failed::Source)? {
            let piece = piece.map_err(Failed::Source)?;
            left = Some(match left {
                None => {
                    first.extend_from_slice(&piece);
                    let Some((head, body)) = first.split_at_checked(MESSAGE_HEAD_BYTES) else {
                        continue;
                    };
                    // The body of a message with a bad signature is not read.
                    let now = self.clock.now().map_err(|error| Failed::Refused(error.into()))?;
                    let left = self.replica.begin(head, now).map_err(Failed::Refused)?;
                    if body.is_empty() {
                        left
                    } else {
                        self.replica.push(body).map_err(Failed::Refused)?
                    }
                }
                Some(_) => self.replica.push(&piece).map_err(Failed::Refused)?,
            });
        }
        if left != Some(0) {
            let cut = SourceError::new("origin_answer", "the origin's answer was truncated");
            return Err(Failed::Source(cut));
        }
        let state = self.replica.commit().map_err(Failed::Refused)?;
        {
            let mut status = self.status();
            status.taken = status.taken.saturating_add(1);
            status.wholes = status.wholes.saturating_add(u64::from(held.is_none()));
        }
        if held.is_none() {
            tracing::info!(
                "loaded a snapshot: {} tokens, version {} of epoch {}",
                state.tokens,
                state.version,
                state.epoch
            );
        }
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || file.write(&state)).await;
        let written = written.unwrap_or_else(|_| Err(std::io::Error::other("the writing thread panicked")));
        self.warn_unwritable(written.err().map(|error| error.to_string()));
        Ok(false)
    }
}

/// Returns how long the origin may wait: at most a third of a table's life, so that two answers may be lost.
fn wait(max_age: u32) -> Duration {
    third(max_age).min(LONGEST_WAIT)
}

fn third(max_age: u32) -> Duration {
    Duration::from_secs(u64::from(max_age / 3).max(1))
}

/// Returns the pause after this many failures: longer each time, and randomized so that edges do not retry together.
fn pause(failures: u32) -> Duration {
    let most = FIRST_PAUSE.saturating_mul(1 << failures.min(8)).min(LONGEST_PAUSE);
    let chance = RandomState::new().hash_one(failures) % 1_000;
    let spread = most.as_millis() as u64 * chance / 2_000;
    most / 2 + Duration::from_millis(spread)
}
