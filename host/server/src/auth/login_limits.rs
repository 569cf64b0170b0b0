//! Limits on password logins.
//!
//! A password can be guessed, unlike a token, and checking one is expensive. So the number of concurrent logins is limited, for
//! each network and in total. Failed logins are counted as other failures are ([`Failures`]). But a user over the limit also has
//! no further password checked, or an attacker with many addresses would have as many guesses. Users are counted by the name
//! presented, whether or not the user exists. A network from which the user has logged in before is still served, so nobody can
//! lock a user out of the usual place.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::auth::clock::MonotonicClock;
use crate::auth::failed_attempts::{Failures, network};
use crate::config::FailureLimits;

/// Maximum concurrent logins of one network.
const EACH: usize = 2;
/// Maximum concurrent logins of all networks.
const ALL: usize = 64;
/// The same maximum for known places, which is higher: their logins still work when strangers use up the rest.
const ALL_KNOWN: usize = 128;

/// How long a place stays known after a login.
const KNOWN: Duration = Duration::from_secs(30 * 24 * 3600);
/// Maximum known places of one user. Users do not displace each other's places.
const PLACES: usize = 16;
/// Maximum users with known places, and maximum blocked users.
const USERS: usize = 50_000;

/// Counts logins. Clones share the counts.
#[derive(Clone)]
pub struct Logins {
    inner: Arc<Inner>,
}

struct Inner {
    failures: Failures,
    clock: MonotonicClock,
    hasher: RandomState,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Logins in progress, by network.
    under_way: HashMap<u128, usize>,
    /// Logins in progress, in total.
    total: usize,
    /// Blocked users, each with the end of the block.
    blocked: HashMap<u64, Duration>,
    /// The networks from which each user has logged in, with the time of the last login.
    places: HashMap<u64, Vec<(u128, Duration)>>,
}

/// Why a login is not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttled {
    /// Too many logins failed. The client may try again after this time.
    Blocked(Duration),
    /// The network has other logins in progress.
    Concurrent,
    /// There are too many logins in progress in total.
    Overloaded,
}

/// A login in progress. It ends when this is dropped. If the check was started and [`Attempt::done`] was not called, the login
/// counts as failed.
pub(crate) struct Attempt {
    inner: Arc<Inner>,
    address: IpAddr,
    user: String,
    open: AtomicBool,
}

impl Logins {
    /// Creates the counters, all at zero.
    #[must_use]
    pub fn new(limits: FailureLimits, clock: MonotonicClock) -> Logins {
        Logins {
            inner: Arc::new(Inner {
                failures: Failures::new(limits, clock.clone()),
                clock,
                hasher: RandomState::new(),
                held: Mutex::default(),
            }),
        }
    }

    /// Starts a login, if the limits allow it.
    pub(crate) fn begin(&self, address: IpAddr, user: &str) -> Result<Arc<Attempt>, Throttled> {
        let inner = &self.inner;
        if let Some(wait) = inner.blocked(address, user) {
            return Err(Throttled::Blocked(wait));
        }
        let mut held = inner.lock();
        let most = if inner.knows(&held, address, user) {
            ALL_KNOWN
        } else {
            ALL
        };
        if held
            .under_way
            .get(&network(address))
            .is_some_and(|count| *count >= EACH)
        {
            return Err(Throttled::Concurrent);
        }
        if held.total >= most {
            return Err(Throttled::Overloaded);
        }
        held.total += 1;
        *held.under_way.entry(network(address)).or_default() += 1;
        Ok(Arc::new(Attempt {
            inner: inner.clone(),
            address,
            user: user.to_owned(),
            open: AtomicBool::new(false),
        }))
    }

    /// Removes expired entries.
    pub fn prune_expired(&self) {
        self.inner.failures.prune_expired();
        let now = self.inner.clock.now_since_start();
        let mut held = self.inner.lock();
        held.blocked.retain(|_, until| *until > now);
        held.places.retain(|_, places| {
            places.retain(|(_, at)| is_fresh(*at, now));
            !places.is_empty()
        });
    }
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
}

impl Attempt {
    /// How long the login must be refused, if too many have failed since it started.
    pub(crate) fn blocked(&self) -> Option<Duration> {
        self.inner.blocked(self.address, &self.user)
    }

    /// Marks the start of the password check.
    pub(crate) fn work(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Marks the end of the password check: its outcome is known.
    pub(crate) fn done(&self) {
        self.open.store(false, Ordering::Release);
    }

    /// Counts the login as failed. If a time is returned, the reply must be 429 instead of 401.
    pub(crate) fn failed(&self) -> Option<Duration> {
        self.inner.failed(self.address, &self.user)
    }

    /// Records this place as known: the user has logged in.
    pub(crate) fn succeeded(&self) {
        self.inner.know(self.address, &self.user);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if *self.open.get_mut() {
            let _ = self.inner.failed(self.address, &self.user);
        }
        let mut held = self.inner.lock();
        held.total = held.total.saturating_sub(1);
        let network = network(self.address);
        if let Some(count) = held.under_way.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.under_way.remove(&network);
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn blocked(&self, address: IpAddr, user: &str) -> Option<Duration> {
        if let Some(wait) = self.failures.blocked(address) {
            return Some(wait);
        }
        let held = self.lock();
        let until = *held.blocked.get(&self.hasher.hash_one(user))?;
        let left = until.saturating_sub(self.clock.now_since_start());
        (!left.is_zero() && !self.knows(&held, address, user)).then_some(left)
    }

    fn failed(&self, address: IpAddr, user: &str) -> Option<Duration> {
        let (of_address, of_user) = self.failures.count(address, Some(user));
        let now = self.clock.now_since_start();
        let mut held = self.lock();
        if let Some(wait) = of_user {
            if held.blocked.len() >= USERS {
                held.blocked.retain(|_, until| *until > now);
            }
            if held.blocked.len() < USERS {
                held.blocked
                    .insert(self.hasher.hash_one(user), now.saturating_add(wait));
            }
        }
        // A known place is only limited by address: a right password would succeed there, so a wrong one is reported as wrong.
        if self.knows(&held, address, user) {
            return of_address;
        }
        of_address.max(of_user)
    }

    fn knows(&self, held: &Held, address: IpAddr, user: &str) -> bool {
        let (network, now) = (network(address), self.clock.now_since_start());
        held.places
            .get(&self.hasher.hash_one(user))
            .is_some_and(|places| places.iter().any(|(place, at)| *place == network && is_fresh(*at, now)))
    }

    fn know(&self, address: IpAddr, user: &str) {
        let (network, now) = (network(address), self.clock.now_since_start());
        let key = self.hasher.hash_one(user);
        let mut held = self.lock();
        if held.places.len() >= USERS && !held.places.contains_key(&key) {
            // The user whose last login is the oldest.
            let last = |places: &[(u128, Duration)]| places.iter().map(|(_, at)| *at).max();
            let oldest = held.places.iter().min_by_key(|(_, places)| last(places));
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                held.places.remove(&oldest);
            }
        }
        // Ordered by the last login.
        let places = held.places.entry(key).or_default();
        places.retain(|(place, _)| *place != network);
        if places.len() >= PLACES {
            places.remove(0);
        }
        places.push((network, now));
    }
}

fn is_fresh(at: Duration, now: Duration) -> bool {
    now.saturating_sub(at) < KNOWN
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    fn logins(per_address: u32, per_user: u32) -> (Logins, MonotonicClock) {
        let clock = MonotonicClock::manual();
        let limits = FailureLimits { per_address, per_user };
        (Logins::new(limits, clock.clone()), clock)
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    /// Whether a login starts and fails.
    fn fails(logins: &Logins, from: u32, user: &str) -> bool {
        match logins.begin(address(from), user) {
            Ok(attempt) => attempt.failed().is_none(),
            Err(_) => false,
        }
    }

    #[test]
    fn network_may_have_two_concurrent_logins() {
        let (logins, _) = logins(0, 0);
        let one = logins.begin(address(1), "alice").unwrap();
        let two = logins.begin(address(1), "bob").unwrap();
        assert_eq!(logins.begin(address(1), "carol").err(), Some(Throttled::Concurrent));
        logins.begin(address(2), "carol").unwrap();
        // The login is in progress as long as a clone of the attempt lives.
        let work = one.clone();
        drop(one);
        assert_eq!(logins.begin(address(1), "carol").err(), Some(Throttled::Concurrent));
        drop(work);
        logins.begin(address(1), "carol").unwrap();
        drop(two);
        assert!(logins.inner.lock().under_way.is_empty());
        assert_eq!(logins.inner.lock().total, 0);
    }

    #[test]
    fn total_login_limit_spares_known_addresses() {
        let (logins, _) = logins(0, 0);
        logins.begin(address(9999), "alice").unwrap().succeeded();
        let all: Vec<_> = (0..64)
            .map(|number| logins.begin(address(number / 2), "x").unwrap())
            .collect();
        assert_eq!(logins.begin(address(999), "alice").err(), Some(Throttled::Overloaded));
        assert_eq!(logins.begin(address(9999), "bob").err(), Some(Throttled::Overloaded));
        logins.begin(address(9999), "alice").unwrap();
        drop(all);
        logins.begin(address(999), "alice").unwrap();
    }

    #[test]
    fn user_limit_blocks_all_but_known_addresses() {
        let (logins, clock) = logins(10, 3);
        logins.begin(address(1), "alice").unwrap().succeeded();
        for user in ["alice", "nobody"] {
            for from in 2..5 {
                assert!(fails(&logins, from, user));
            }
            assert!(!fails(&logins, 5, user));
            let put = logins.begin(address(6), user).err();
            assert!(matches!(put, Some(Throttled::Blocked(wait)) if wait <= Duration::from_secs(20)));
        }
        // At a known place only the limit of the address applies.
        for _ in 0..10 {
            assert!(fails(&logins, 1, "alice"));
        }
        assert!(!fails(&logins, 1, "alice"));
        assert!(matches!(
            logins.begin(address(1), "alice").err(),
            Some(Throttled::Blocked(_))
        ));
        // The place is not known for other users.
        assert!(matches!(
            logins.begin(address(1), "nobody").err(),
            Some(Throttled::Blocked(_))
        ));
        clock.advance(Duration::from_secs(21));
        assert!(fails(&logins, 6, "nobody"));
    }

    #[test]
    fn pending_attempt_is_blocked_when_the_limit_is_reached() {
        let (logins, _) = logins(0, 1);
        let under_way = logins.begin(address(1), "alice").unwrap();
        assert_eq!(under_way.blocked(), None);
        assert!(fails(&logins, 2, "alice"));
        assert!(!fails(&logins, 3, "alice"));
        assert!(under_way.blocked().is_some());
    }

    #[test]
    fn abandoned_login_counts_as_failed() {
        let (logins, _) = logins(2, 0);
        for _ in 0..2 {
            let attempt = logins.begin(address(1), "alice").unwrap();
            attempt.work();
        }
        let attempt = logins.begin(address(1), "alice").unwrap();
        attempt.work();
        attempt.done();
        drop(attempt);
        logins.begin(address(1), "alice").unwrap().work();
        assert!(matches!(
            logins.begin(address(1), "alice").err(),
            Some(Throttled::Blocked(_))
        ));
    }

    #[test]
    fn known_addresses_expire_and_are_limited_per_user() {
        let (logins, clock) = logins(0, 1);
        let known = |from: u32| logins.inner.knows(&logins.inner.lock(), address(from), "alice");
        for from in 0..20 {
            logins.begin(address(from), "alice").unwrap().succeeded();
        }
        assert!(!known(3) && known(4) && known(19));
        clock.advance(KNOWN - Duration::from_secs(1));
        assert!(known(4));
        logins.begin(address(4), "alice").unwrap().succeeded();
        clock.advance(Duration::from_secs(1));
        assert!(known(4) && !known(5));
        logins.prune_expired();
        assert_eq!(logins.inner.lock().places.values().map(Vec::len).sum::<usize>(), 1);
    }

    #[test]
    fn memory_stays_bounded() {
        let (logins, _) = logins(0, 1);
        {
            let mut held = logins.inner.lock();
            for number in 0..50_000_u64 {
                held.places.insert(number, vec![(1, Duration::from_secs(number + 1))]);
                held.blocked.insert(number, Duration::MAX);
            }
        }
        logins.begin(address(1), "alice").unwrap().succeeded();
        assert!(fails(&logins, 2, "bob") && !fails(&logins, 2, "bob"));
        let held = logins.inner.lock();
        assert_eq!((held.places.len(), held.blocked.len()), (USERS, USERS));
        assert!(!held.places.contains_key(&0));
    }
}
