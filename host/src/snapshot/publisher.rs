//! The origin: signed snapshots and deltas of a store.
//!
//! The store returns the changes since any version of its epoch. So no state is needed for edges that were away, and an
//! origin that was restarted, or another one on the same database, continues from the same position. Every message
//! carries a time at which it was true, which is taken before the store is read.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokenlatch_core::{Account, Heading, Publication, SNAPSHOT_CLOCK_SLACK, SigningKey};
use tokio::sync::watch;
use tokio::time::Instant;

use super::cache::Cache;
use super::message::Message;
use super::watch::Watch;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::store::{Changes, History, Revision, StoreError, Version};

/// The largest number of changes in a delta. Beyond it a snapshot is shorter.
const MOST: usize = 100_000;

/// The number of revisions that deltas cover before a snapshot is needed. An edge keeps revoked tokens in memory until its next
/// snapshot, which must come before that memory is full.
const STRETCH: i64 = 1 << 14;

/// How often to check whether the next second has begun.
const NEXT_SECOND: Duration = Duration::from_millis(50);

/// Options for making messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublisherOptions {
    /// How long an edge may decide by a table without further messages, in seconds.
    pub max_age: u32,
    /// Whether ids and names of tokens are sent. Without them an edge cannot report which token it admits.
    pub names: bool,
}

impl Default for PublisherOptions {
    fn default() -> PublisherOptions {
        PublisherOptions {
            max_age: 60,
            names: true,
        }
    }
}

/// The answer to an edge that holds a version.
#[derive(Clone, Debug)]
pub enum Delta {
    /// The changes; a heartbeat if there are none.
    Message(Arc<Message>),
    /// No delta starts from that version: the edge must fetch a snapshot.
    Gap,
}

/// Publishes a service's store. Clones share all state.
#[derive(Clone)]
pub struct Publisher {
    inner: Arc<Inner>,
}

struct Inner {
    service: Service,
    key: Arc<SigningKey>,
    options: PublisherOptions,
    watch: Watch,
    cache: Mutex<Cache>,
    /// Held while a snapshot or a delta is made, so that others that wait reuse it.
    turn: tokio::sync::Mutex<()>,
    /// The epoch and time of the last message. No later message has an earlier time.
    last: Mutex<Option<(i64, i64)>>,
    /// The last version that was logged as unknown to this database.
    warned: Mutex<Option<Version>>,
    /// Whether waiting requests must be answered now.
    finishing: watch::Sender<bool>,
}

impl Publisher {
    /// Creates a publisher that signs with this key.
    #[must_use]
    pub fn new(service: Service, key: Arc<SigningKey>, options: PublisherOptions) -> Publisher {
        let inner = Inner {
            watch: Watch::new(Arc::clone(service.store())),
            service,
            key,
            options,
            cache: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            last: Mutex::default(),
            warned: Mutex::default(),
            finishing: watch::Sender::new(false),
        };
        Publisher { inner: Arc::new(inner) }
    }

    /// The public key for edges to trust, in hex.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.inner.key.public_key()
    }

    /// The options for making messages.
    #[must_use]
    pub fn options(&self) -> PublisherOptions {
        self.inner.options
    }

    /// Returns the whole table, true at a time not before this call began.
    ///
    /// # Errors
    /// Failures of the store and the clock; `snapshot_too_large`.
    pub async fn snapshot(&self) -> Result<Arc<Message>> {
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        loop {
            let (revision, made) = inner.message_time().await?;
            if let Some(whole) = inner.cache().whole(revision, made, &inner.key)? {
                return Ok(whole);
            }
            let changes = inner.service.store().changes(None).await?;
            if changes.revision.epoch != revision.epoch {
                continue;
            }
            let revision = changes.revision;
            let heading = inner.heading(revision, made);
            let message = Arc::new(inner.sign(Publication::snapshot(heading), changes, revision).await?);
            inner.cache().keep_whole(&message);
            return Ok(message);
        }
    }

    /// Whether the snapshot with this tag equals the store's content and stays valid for a while.
    ///
    /// # Errors
    /// Failures of the store and the clock.
    pub async fn is_current(&self, tag: &str) -> Result<bool> {
        let inner = &self.inner;
        let now = inner.service.clock().now()?;
        let revision = inner.service.store().revision().await?;
        // A quarter of its life; an older one would soon expire.
        let young = |made: i64| now.saturating_sub(made) <= i64::from(inner.options.max_age / 4);
        let cache = inner.cache();
        Ok(cache
            .last()
            .is_some_and(|last| last.revision == revision && last.tag == tag && young(last.made)))
    }

    /// Returns the changes since a version as soon as there are any. After `wait` it returns a heartbeat.
    ///
    /// # Errors
    /// Failures of the store and the clock.
    pub async fn delta(&self, since: impl Into<Version> + Send, wait: Duration) -> Result<Delta> {
        let inner = &self.inner;
        let since = since.into();
        let end = Instant::now() + wait;
        let mut finishing = inner.finishing.subscribe();
        let mut waiter = inner.watch.wait();
        loop {
            let Some((revision, made)) = inner.message_time_after(since).await? else {
                return Ok(Delta::Gap);
            };
            if revision.version() != since {
                return self.changed(since, revision, made).await;
            }
            if Instant::now() >= end || *finishing.borrow() {
                return inner
                    .heartbeat(revision, made)
                    .map(|message| Delta::Message(Arc::new(message)));
            }
            loop {
                tokio::select! {
                    changed = waiter.seen.changed() => {
                        let seen = waiter.seen.borrow_and_update().revision.clone();
                        match seen {
                            Some(Err(error)) => return Err(error.into()),
                            // The current state is not a change.
                            Some(Ok(seen)) if seen.version() == since && changed.is_ok() => {}
                            _ => break,
                        }
                    }
                    _ = finishing.wait_for(|finishing| *finishing) => break,
                    () = tokio::time::sleep_until(end) => break,
                }
            }
        }
    }

    /// Queries the store at once for changes if anyone waits for them.
    pub fn nudge(&self) {
        self.inner.watch.nudge();
    }

    /// Answers all waiting requests, and makes later ones return at once.
    pub fn finish(&self) {
        self.inner.finishing.send_replace(true);
    }

    async fn changed(&self, since: Version, seen: Revision, made: i64) -> Result<Delta> {
        let inner = &self.inner;
        if let Some(message) = inner.cached_delta(since, seen, made)? {
            return Ok(Delta::Message(message));
        }
        let _turn = inner.turn.lock().await;
        let Some((seen, made)) = inner.message_time_after(since).await? else {
            return Ok(Delta::Gap);
        };
        if let Some(message) = inner.cached_delta(since, seen, made)? {
            return Ok(Delta::Message(message));
        }
        let known = match inner.service.store().find_version(since).await? {
            Ok(known) => known,
            Err(history) => {
                inner.warn_unknown_version(since, history);
                return Ok(Delta::Gap);
            }
        };
        let changes = inner.service.store().changes(Some(known)).await?;
        if changes.whole || changes.records.len().saturating_add(changes.accounts.len()) > MOST {
            return Ok(Delta::Gap);
        }
        let revision = changes.revision;
        let delta = Publication::delta(since.version.unsigned_abs(), inner.heading(revision, made));
        let changes = inner.with_owners(changes).await?;
        let message = Arc::new(inner.sign(delta, changes, revision).await?);
        inner.cache().keep_delta(since.version, &message);
        Ok(Delta::Message(message))
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("public_key", &self.public_key())
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        // The cache holds only complete messages, even after a panic.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the store's revision and the time for a message about it. The time is not before that of an earlier message, and not
    /// after the clock's unless the clock was set back. An edge accepts a new epoch only with a later time, so this waits for
    /// the next second if the last message was made in the current one.
    async fn message_time(&self) -> Result<(Revision, i64)> {
        loop {
            if let (revision, Some(made)) = self.revision_and_time().await? {
                return Ok((revision, made));
            }
            tokio::time::sleep(NEXT_SECOND).await;
        }
    }

    /// Returns the same for an edge that holds a version; `None` if no delta starts from it or a new epoch must wait.
    async fn message_time_after(&self, since: Version) -> Result<Option<(Revision, i64)>> {
        let (revision, made) = self.revision_and_time().await?;
        let leads_on = revision.epoch == since.epoch && revision.number / STRETCH == since.number() / STRETCH;
        Ok(made.filter(|_| leads_on).map(|made| (revision, made)))
    }

    /// Logs that an edge holds a version which this database never had, once for each such version.
    fn warn_unknown_version(&self, since: Version, history: History) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if history == History::Lost && warned.replace(since) != Some(since) {
            tracing::warn!(
                "an edge has the version {}-{}, which this database never had: the database was replaced or restored to \
                 an older state. Edges refuse an older table until `tokenlatch snapshot renew` is run. Check for tokens that were revoked after that state was saved",
                since.epoch,
                since.version
            );
        }
    }

    /// Returns the store's revision, and the time for a message about it if one is possible yet.
    async fn revision_and_time(&self) -> Result<(Revision, Option<i64>)> {
        let now = self.service.clock().now()?;
        let revision = self.service.store().revision().await?;
        Ok((revision, self.made(now, revision)))
    }

    fn made(&self, now: i64, revision: Revision) -> Option<i64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match *last {
            // Edges refused all messages made while the clock was that far ahead, so their times need not be exceeded.
            Some((_, made)) if made.saturating_sub(now) > SNAPSHOT_CLOCK_SLACK => now,
            Some((epoch, made)) if epoch != revision.epoch && now <= made => match made.saturating_sub(now) {
                0 | 1 => return None,
                _ => made.saturating_add(1),
            },
            Some((_, made)) => now.max(made),
            None => now,
        };
        *last = Some((revision.epoch, made));
        Some(made)
    }

    /// Returns a delta that was made for another edge with this version, if it leads to the revision `seen`.
    fn cached_delta(&self, since: Version, seen: Revision, made: i64) -> Result<Option<Arc<Message>>> {
        self.cache().delta(since.version, seen, made, &self.key)
    }

    fn heading(&self, revision: Revision, made: i64) -> Heading {
        Heading {
            epoch: revision.epoch.unsigned_abs(),
            version: revision.version().version.unsigned_abs(),
            made,
            max_age: self.options.max_age,
            names: self.options.names,
        }
    }

    fn heartbeat(&self, revision: Revision, made: i64) -> Result<Message> {
        let heading = self.heading(revision, made);
        let bytes = Publication::delta(heading.version, heading).sign(&self.key)?;
        Message::new(bytes, revision)
    }

    /// Adds the accounts of the tokens, which a delta must contain too. They may be newer than the rest; then the next delta
    /// contains them again.
    async fn with_owners(&self, mut changes: Changes) -> Result<Changes> {
        let known: HashSet<&str> = changes.accounts.iter().map(|account| account.user.as_str()).collect();
        let missing: HashSet<&str> = changes
            .records
            .iter()
            .filter(|record| record.revoked.is_none())
            .map(|record| record.user.as_str())
            .filter(|user| !known.contains(user))
            .collect();
        let mut found: Vec<Account> = Vec::with_capacity(missing.len());
        for user in missing {
            found.extend(
                self.service
                    .store()
                    .settings(user)
                    .await?
                    .map(|settings| settings.account),
            );
        }
        changes.accounts.extend(found);
        Ok(changes)
    }

    /// Encodes and signs a message, on a blocking thread.
    async fn sign(&self, mut publication: Publication, changes: Changes, revision: Revision) -> Result<Message> {
        let key = Arc::clone(&self.key);
        let work = move || {
            for account in &changes.accounts {
                publication.account(account)?;
            }
            for record in &changes.records {
                if record.revoked.is_none() || changes.whole {
                    publication.record(record)?;
                } else {
                    publication.revoke(&record.hash)?;
                }
            }
            Message::new(publication.sign(&key)?, revision)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Error::from(StoreError::Failed("making a snapshot panicked".to_owned())))?
    }
}
