//! The origin: signed snapshots and deltas of what a store holds.
//!
//! The store tells what has changed since any version of its epoch, so nothing must be kept to answer one who was away,
//! and an origin that was started anew, or another one on the same database, goes on where the last one stood. Every
//! message says a time at which it was true: the time is taken before the store is asked.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokenlatch_core::{Account, Heading, MESSAGE_HEAD_BYTES, Publication, SNAPSHOT_CLOCK_SLACK, SigningKey, inspect};
use tokio::sync::watch;
use tokio::time::Instant;

use super::cache::Cache;
use super::watch::Watch;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::store::{Changes, History, Mark, StoreError, Version};

/// Changes that are sent as a delta. With more of them a snapshot is the shorter way.
const MOST: usize = 100_000;

/// Revisions that deltas lead through; then a snapshot must be taken. An edge keeps what revoked tokens were until its next
/// snapshot, and that must come before it has no room left.
const STRETCH: i64 = 1 << 14;

/// How soon it is looked again whether the next second has begun.
const NEXT_SECOND: Duration = Duration::from_millis(50);

/// How messages are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublisherOptions {
    /// For how long an edge may decide by a table that it hears nothing more of, in seconds.
    pub max_age: u32,
    /// Whether ids and names of tokens are sent. Without them an edge can't tell which token it admits.
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

/// A signed message. What is large in it is shared by those that differ in the time only.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub(super) head: Vec<u8>,
    pub(super) body: Arc<Vec<u8>>,
    /// Where the table stands that it leads to.
    pub mark: Mark,
    /// When it was true, in Unix seconds.
    pub made: i64,
    /// What tells it from every other message: the same tag, the same bytes.
    pub tag: String,
}

impl Message {
    pub(super) fn new(mut head: Vec<u8>, mark: Mark) -> Result<Message> {
        let body = head.split_off(head.len().min(MESSAGE_HEAD_BYTES));
        Message::of(head, Arc::new(body), mark)
    }

    pub(super) fn of(head: Vec<u8>, body: Arc<Vec<u8>>, mark: Mark) -> Result<Message> {
        let told = inspect(&head)?;
        let digest = told.digest.get(..16).unwrap_or_default();
        Ok(Message {
            tag: format!(
                "{}-{}-{}-{}-{}-{digest}",
                told.epoch, told.version, told.made, told.max_age, told.key_id
            ),
            made: told.made,
            head,
            body,
            mark,
        })
    }

    /// The message, in a piece.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }

    /// Head and signature, then what they sign.
    #[must_use]
    pub fn parts(&self) -> (&[u8], &Arc<Vec<u8>>) {
        (&self.head, &self.body)
    }
}

/// Without the bytes: there are many.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("tag", &self.tag)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What those are told who hold a version.
#[derive(Clone, Debug)]
pub enum Delta {
    /// What has changed; a heartbeat where nothing has.
    Message(Arc<Message>),
    /// No delta leads on from there: a snapshot must be taken.
    Gap,
}

/// Publishes what a service's store holds. Clones share everything.
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
    /// Held while a snapshot or a delta is made: whoever waits finds it made.
    turn: tokio::sync::Mutex<()>,
    /// Epoch and time of the last message: none says an earlier time.
    last: Mutex<Option<(i64, i64)>>,
    /// The version of an edge that was last logged as one that this database never had.
    told: Mutex<Option<Version>>,
    /// Whether nobody shall wait any longer.
    finishing: watch::Sender<bool>,
}

impl Publisher {
    /// A publisher that signs by this key.
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
            told: Mutex::default(),
            finishing: watch::Sender::new(false),
        };
        Publisher { inner: Arc::new(inner) }
    }

    /// The key that edges are to trust, in hex.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.inner.key.public_key()
    }

    /// How messages are made.
    #[must_use]
    pub fn options(&self) -> PublisherOptions {
        self.inner.options
    }

    /// The whole table, true at a time not before this call began.
    ///
    /// # Errors
    /// Failures of the store and the clock; `snapshot_too_large`.
    pub async fn snapshot(&self) -> Result<Arc<Message>> {
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        loop {
            let (mark, made) = inner.moment().await?;
            if let Some(whole) = inner.cache().whole(mark, made, &inner.key)? {
                return Ok(whole);
            }
            let changes = inner.service.store().changes(None).await?;
            if changes.mark.epoch != mark.epoch {
                continue;
            }
            let mark = changes.mark;
            let heading = inner.heading(mark, made);
            let message = Arc::new(inner.sign(Publication::snapshot(heading), changes, mark).await?);
            inner.cache().keep_whole(&message);
            return Ok(message);
        }
    }

    /// Whether one who holds the snapshot with this tag holds what the store holds, and may do so for a while yet.
    ///
    /// # Errors
    /// Failures of the store and the clock.
    pub async fn is_current(&self, tag: &str) -> Result<bool> {
        let inner = &self.inner;
        let now = inner.service.clock().now()?;
        let mark = inner.service.store().mark().await?;
        // A quarter of its life: who comes back after that needs another one.
        let young = |made: i64| now.saturating_sub(made) <= i64::from(inner.options.max_age / 4);
        let cache = inner.cache();
        Ok(cache
            .last()
            .is_some_and(|last| last.mark == mark && last.tag == tag && young(last.made)))
    }

    /// What has changed since a version, as soon as anything has; after the wait a heartbeat.
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
            let Some((mark, made)) = inner.moment_after(since).await? else {
                return Ok(Delta::Gap);
            };
            if mark.version() != since {
                return self.changed(since, mark, made).await;
            }
            if Instant::now() >= end || *finishing.borrow() {
                return inner
                    .heartbeat(mark, made)
                    .map(|message| Delta::Message(Arc::new(message)));
            }
            loop {
                tokio::select! {
                    told = waiter.seen.changed() => {
                        let seen = waiter.seen.borrow_and_update().mark.clone();
                        match seen {
                            Some(Err(error)) => return Err(error.into()),
                            // What was so already is no news.
                            Some(Ok(seen)) if seen.version() == since && told.is_ok() => {}
                            _ => break,
                        }
                    }
                    _ = finishing.wait_for(|finishing| *finishing) => break,
                    () = tokio::time::sleep_until(end) => break,
                }
            }
        }
    }

    /// Asks the store at once whether something has changed, if anybody waits for it.
    pub fn nudge(&self) {
        self.inner.watch.nudge();
    }

    /// Answers all who wait, and lets nobody wait any more.
    pub fn finish(&self) {
        self.inner.finishing.send_replace(true);
    }

    async fn changed(&self, since: Version, seen: Mark, made: i64) -> Result<Delta> {
        let inner = &self.inner;
        if let Some(message) = inner.kept(since, seen, made)? {
            return Ok(Delta::Message(message));
        }
        let _turn = inner.turn.lock().await;
        let Some((seen, made)) = inner.moment_after(since).await? else {
            return Ok(Delta::Gap);
        };
        if let Some(message) = inner.kept(since, seen, made)? {
            return Ok(Delta::Message(message));
        }
        let known = match inner.service.store().find_version(since).await? {
            Ok(known) => known,
            Err(history) => {
                inner.tell_of(since, history);
                return Ok(Delta::Gap);
            }
        };
        let changes = inner.service.store().changes(Some(known)).await?;
        if changes.whole || changes.records.len().saturating_add(changes.accounts.len()) > MOST {
            return Ok(Delta::Gap);
        }
        let mark = changes.mark;
        let delta = Publication::delta(since.version.unsigned_abs(), inner.heading(mark, made));
        let changes = inner.with_owners(changes).await?;
        let message = Arc::new(inner.sign(delta, changes, mark).await?);
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
        // What a panic may have left behind are whole messages, or none.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the store stands, and a time at which it stood there or before: never before that of an earlier message, nor
    /// after the clock's, unless that was put back. An edge takes another epoch only when it was made later, so where the
    /// second isn't over yet in which the last one was told of, this waits for the next.
    async fn moment(&self) -> Result<(Mark, i64)> {
        loop {
            if let (mark, Some(made)) = self.stand().await? {
                return Ok((mark, made));
            }
            tokio::time::sleep(NEXT_SECOND).await;
        }
    }

    /// The same for one who holds a version; none where no delta leads on from there.
    async fn moment_after(&self, since: Version) -> Result<Option<(Mark, i64)>> {
        let (mark, made) = self.stand().await?;
        let leads_on = mark.epoch == since.epoch && mark.revision / STRETCH == since.revision() / STRETCH;
        Ok(made.filter(|_| leads_on).map(|made| (mark, made)))
    }

    /// Logs that an edge holds a version which this database never had: once for each such version.
    fn tell_of(&self, since: Version, history: History) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if history == History::Lost && told.replace(since) != Some(since) {
            tracing::warn!(
                "an edge holds the version {}-{}, which this database never had: the database was put back to an older \
                 state, or another one took its place. Edges refuse an older table; `tokenlatch snapshot renew` makes them \
                 take it. Look for tokens that were revoked since that state was saved",
                since.epoch,
                since.version
            );
        }
    }

    /// Where the store stands, and the time that a message may say of it, if there is one yet.
    async fn stand(&self) -> Result<(Mark, Option<i64>)> {
        let now = self.service.clock().now()?;
        let mark = self.service.store().mark().await?;
        Ok((mark, self.made(now, mark)))
    }

    fn made(&self, now: i64, mark: Mark) -> Option<i64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match *last {
            // A clock that was that fast has made messages that no edge took.
            Some((_, made)) if made.saturating_sub(now) > SNAPSHOT_CLOCK_SLACK => now,
            Some((epoch, made)) if epoch != mark.epoch && now <= made => match made.saturating_sub(now) {
                0 | 1 => return None,
                _ => made.saturating_add(1),
            },
            Some((_, made)) => now.max(made),
            None => now,
        };
        *last = Some((mark.epoch, made));
        Some(made)
    }

    /// A delta that was made for another who stood there, if it leads to where the store stood at `made`.
    fn kept(&self, since: Version, seen: Mark, made: i64) -> Result<Option<Arc<Message>>> {
        self.cache().delta(since.version, seen, made, &self.key)
    }

    fn heading(&self, mark: Mark, made: i64) -> Heading {
        Heading {
            epoch: mark.epoch.unsigned_abs(),
            version: mark.version().version.unsigned_abs(),
            made,
            max_age: self.options.max_age,
            names: self.options.names,
        }
    }

    fn heartbeat(&self, mark: Mark, made: i64) -> Result<Message> {
        let heading = self.heading(mark, made);
        let bytes = Publication::delta(heading.version, heading).sign(&self.key)?;
        Message::new(bytes, mark)
    }

    /// Adds the accounts of the tokens, which a delta must hold too. They may be newer than the rest; then they stand in
    /// the next delta again.
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

    /// Writes and signs a message, off the threads that serve.
    async fn sign(&self, mut publication: Publication, changes: Changes, mark: Mark) -> Result<Message> {
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
            Message::new(publication.sign(&key)?, mark)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Error::from(StoreError::Failed("making a snapshot broke off".to_owned())))?
    }
}
