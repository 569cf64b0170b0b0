//! Limits on failed attempts per minute, for each address and each user.
//!
//! An address over its limit gets 429 before anything is verified. A user over the limit gets 429 for further *failures* only:
//! the user's valid tokens go on working, so nobody can lock another user out. Users are counted by the name presented, whether
//! or not the user exists, so a 429 does not reveal which users exist.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::auth::clock::MonotonicClock;
use crate::config::FailureLimits;

/// How many addresses, and how many users, are counted separately. Further ones share [`CROWDS`] counts.
const KEYS: usize = 50_000;
const CROWDS: u64 = 4_096;

type Limiter = RateLimiter<u64, DefaultKeyedStateStore<u64>, MonotonicClock, NoOpMiddleware<Duration>>;

/// Counts failed attempts. Clones share the counts.
#[derive(Clone)]
pub struct Failures {
    inner: Arc<Inner>,
}

struct Inner {
    clock: MonotonicClock,
    hasher: RandomState,
    addresses: Option<Limiter>,
    users: Option<Limiter>,
    /// Blocked addresses, each with the end of its block.
    blocked: Mutex<HashMap<u64, Duration>>,
    /// Number of entries in `blocked`. It is usually 0, and then the lock is not taken.
    count: AtomicUsize,
}

impl Failures {
    /// Creates the counters, all at zero.
    #[must_use]
    pub fn new(limits: FailureLimits, clock: MonotonicClock) -> Failures {
        let limiter = |per_minute| {
            NonZeroU32::new(per_minute).map(|number| {
                RateLimiter::new(
                    Quota::per_minute(number),
                    DefaultKeyedStateStore::default(),
                    clock.clone(),
                )
            })
        };
        Failures {
            inner: Arc::new(Inner {
                addresses: limiter(limits.per_address),
                users: limiter(limits.per_user),
                hasher: RandomState::new(),
                blocked: Mutex::default(),
                count: AtomicUsize::new(0),
                clock,
            }),
        }
    }

    /// How long requests from an address must be refused, if it is over its limit. Call this before verification.
    #[must_use]
    pub fn blocked(&self, address: IpAddr) -> Option<Duration> {
        let inner = &self.inner;
        if inner.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let key = inner.hasher.hash_one(network(address));
        let mut blocked = inner.lock();
        let until = *blocked.get(&key)?;
        let left = until.saturating_sub(inner.clock.now());
        if left.is_zero() {
            blocked.remove(&key);
            inner.count.store(blocked.len(), Ordering::Release);
            return None;
        }
        Some(left)
    }

    /// Counts a failed attempt. If a time is returned, the reply must be 429 instead of 401.
    #[must_use]
    pub fn failed(&self, address: IpAddr, user: Option<&str>) -> Option<Duration> {
        let (of_address, of_user) = self.count(address, user);
        of_address.max(of_user)
    }

    /// Counts a failed attempt. Returns how long the address is over its limit, and how long the user is.
    pub(crate) fn count(&self, address: IpAddr, user: Option<&str>) -> (Option<Duration>, Option<Duration>) {
        let inner = &self.inner;
        let now = inner.clock.now();
        let of_address = inner.addresses.as_ref().and_then(|limiter| {
            let key = inner.key(limiter, inner.hasher.hash_one(network(address)));
            let wait = limiter.check_key(&key).err()?.wait_time_from(now);
            // A shared count only turns failures into 429. It never blocks an address, whose valid tokens go on working.
            if key >= CROWDS {
                let mut blocked = inner.lock();
                blocked.insert(key, now.saturating_add(wait));
                inner.count.store(blocked.len(), Ordering::Release);
            }
            Some(wait)
        });
        let of_user = inner.users.as_ref().zip(user).and_then(|(limiter, user)| {
            let key = inner.key(limiter, inner.hasher.hash_one(user));
            Some(limiter.check_key(&key).err()?.wait_time_from(now))
        });
        (of_address, of_user)
    }

    /// The value of `Retry-After` for a time: whole seconds, at least one.
    #[must_use]
    pub fn retry_after(wait: Duration) -> u32 {
        u32::try_from(wait.as_millis().div_ceil(1000).max(1)).unwrap_or(u32::MAX)
    }

    /// Removes expired entries.
    pub fn prune_expired(&self) {
        let inner = &self.inner;
        for limiter in [&inner.addresses, &inner.users].into_iter().flatten() {
            limiter.retain_recent();
        }
        let now = inner.clock.now();
        let mut blocked = inner.lock();
        blocked.retain(|_, until| *until > now);
        inner.count.store(blocked.len(), Ordering::Release);
    }

    /// The number of blocked addresses.
    #[must_use]
    pub fn blocked_addresses(&self) -> usize {
        self.inner.count.load(Ordering::Acquire)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Duration>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key to count under. When there are too many keys, it is a shared one.
    fn key(&self, limiter: &Limiter, key: u64) -> u64 {
        if limiter.len() < KEYS { key } else { crowd(key) }
    }
}

fn crowd(key: u64) -> u64 {
    key % CROWDS
}

/// The network that an address counts as: an IPv4 address, or an IPv6 /64, since one customer usually has a whole /64.
pub(crate) fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64 | 1 << 32,
    }
}

impl std::fmt::Debug for Failures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Failures").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    fn failures(per_address: u32, per_user: u32) -> (Failures, MonotonicClock) {
        let clock = MonotonicClock::manual();
        let limits = FailureLimits { per_address, per_user };
        (Failures::new(limits, clock.clone()), clock)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn address_is_blocked_over_its_limit_and_unblocked_later() {
        let (failures, clock) = failures(3, 0);
        let one = address("192.0.2.1");
        for _ in 0..3 {
            assert_eq!(failures.failed(one, None), None);
            assert_eq!(failures.blocked(one), None);
        }
        let wait = failures.failed(one, None).unwrap();
        assert_eq!(failures.blocked(one), Some(wait));
        assert!(wait <= Duration::from_secs(20), "{wait:?}");
        assert_eq!(failures.blocked(address("192.0.2.2")), None);
        clock.advance(Duration::from_secs(21));
        assert_eq!(failures.blocked(one), None);
        assert_eq!(failures.failed(one, None), None, "one more is borne");
        assert!(failures.failed(one, None).is_some());
        clock.advance(Duration::from_secs(61));
        for _ in 0..3 {
            assert_eq!(failures.failed(one, None), None);
        }
    }

    #[test]
    fn user_failures_count_across_addresses_without_blocking() {
        let (failures, _) = failures(0, 2);
        assert_eq!(failures.failed(address("192.0.2.1"), Some("alice")), None);
        assert_eq!(failures.failed(address("192.0.2.2"), Some("alice")), None);
        assert!(failures.failed(address("192.0.2.3"), Some("alice")).is_some());
        assert_eq!(failures.blocked(address("192.0.2.3")), None);
        assert_eq!(failures.failed(address("192.0.2.3"), Some("bob")), None);
    }

    #[test]
    fn groups_ipv6_by_network_and_unmaps_ipv4() {
        let (failures, _) = failures(1, 0);
        assert_eq!(failures.failed(address("2001:db8::1"), None), None);
        assert!(failures.failed(address("2001:db8::2"), None).is_some());
        assert!(failures.blocked(address("2001:db8::ffff")).is_some());
        assert_eq!(failures.blocked(address("2001:db8:0:1::1")), None);
        assert_eq!(failures.failed(address("192.0.2.9"), None), None);
        assert!(failures.failed(address("::ffff:192.0.2.9"), None).is_some());
    }

    #[test]
    fn zero_means_no_limit() {
        let (failures, _) = failures(0, 0);
        for _ in 0..1000 {
            assert_eq!(failures.failed(address("192.0.2.1"), Some("alice")), None);
        }
    }

    #[test]
    fn memory_stays_bounded() {
        let (failures, clock) = failures(1, 1);
        for number in 0..120_000_u32 {
            let address = IpAddr::V6((u128::from(number) << 64).into());
            let _ = failures.failed(address, Some(&number.to_string()));
        }
        let held = |limiter: &Option<Limiter>| limiter.as_ref().unwrap().len();
        let most = KEYS + usize::try_from(CROWDS).unwrap();
        assert!(held(&failures.inner.addresses) <= most && held(&failures.inner.users) <= most);
        assert!(failures.inner.lock().len() <= most);
        clock.advance(Duration::from_secs(120));
        failures.prune_expired();
        assert_eq!(held(&failures.inner.addresses) + held(&failures.inner.users), 0);
        assert_eq!(failures.blocked_addresses(), 0);
    }

    #[test]
    fn retry_after_is_rounded_up_to_seconds() {
        assert_eq!(Failures::retry_after(Duration::from_millis(1)), 1);
        assert_eq!(Failures::retry_after(Duration::from_millis(1001)), 2);
    }
}
