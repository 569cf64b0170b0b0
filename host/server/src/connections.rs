//! Limits on concurrent connections, for each port and each address. At the limit, the connection that has kept the server
//! waiting longest is closed, so that idle connections cannot shut others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, watch};

use crate::auth::failed_attempts::network;

/// Counts the connections of a port.
#[derive(Debug)]
pub(crate) struct Connections {
    total: usize,
    per_address: usize,
    table: Mutex<Table>,
    /// The number of connections, with those that are being closed.
    open: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    seats: HashMap<u64, Arc<Seat>>,
    /// The number of connections of each network.
    shares: HashMap<u128, usize>,
}

/// The state of a connection.
#[derive(Debug)]
pub(crate) struct Seat {
    began: Instant,
    network: Option<u128>,
    /// [`WORKING`], [`EVICTED`], or since when the server has waited for the client: nanoseconds after `began`, at least 2.
    state: AtomicU64,
    evicted: Notify,
}

const WORKING: u64 = 0;
const EVICTED: u64 = 1;

impl Seat {
    fn new(network: Option<u128>) -> Seat {
        Seat {
            began: Instant::now(),
            network,
            // A new connection has sent nothing yet.
            state: AtomicU64::new(2),
            evicted: Notify::new(),
        }
    }

    /// Marks the connection as waiting for its client to send or to read, unless it already is.
    pub(crate) fn waits(&self) {
        if self.state.load(Ordering::Relaxed) == WORKING {
            let since = u64::try_from(self.began.elapsed().as_nanos())
                .unwrap_or(u64::MAX)
                .max(2);
            // An evicted connection stays evicted.
            let _ = self
                .state
                .compare_exchange(WORKING, since, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Marks the connection as working. `false` if it was evicted meanwhile.
    pub(crate) fn works(&self) -> bool {
        self.state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                (state != EVICTED).then_some(WORKING)
            })
            .is_ok()
    }

    /// Since when the server has waited for the client.
    fn since(&self) -> Option<(u64, Instant)> {
        let state = self.state.load(Ordering::Acquire);
        let since = || self.began + std::time::Duration::from_nanos(state);
        (state > EVICTED).then(|| (state, since()))
    }

    /// Evicts the connection, if its state is still this one.
    fn evict(&self, state: u64) -> bool {
        let evicted = self
            .state
            .compare_exchange(state, EVICTED, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
        if evicted {
            self.evicted.notify_one();
        }
        evicted
    }
}

/// A place among the connections. It is freed on drop.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    connections: Arc<Connections>,
    number: u64,
    seat: Arc<Seat>,
    /// Whether another connection was evicted for this one.
    pub(crate) evicted: bool,
}

impl ConnectionPermit {
    /// The state of the connection.
    pub(crate) fn seat(&self) -> Arc<Seat> {
        Arc::clone(&self.seat)
    }

    /// Waits until the connection is evicted.
    pub(crate) async fn given_up(&self) {
        self.seat.evicted.notified().await;
    }
}

impl Connections {
    pub(crate) fn new(total: usize, per_address: usize) -> Arc<Connections> {
        Arc::new(Connections {
            total: total.max(1),
            per_address,
            table: Mutex::default(),
            open: watch::Sender::new(0),
        })
    }

    /// Takes a place for a connection from an address: a free one, or that of the connection that has waited longest for its
    /// client. A network over its share loses one of its own connections. Otherwise the network with the most connections loses
    /// one. Proxies stand for many clients and have no share (`counted` is false). `None` if every other connection is working.
    pub(crate) fn enter(self: &Arc<Connections>, address: IpAddr, counted: bool) -> Option<ConnectionPermit> {
        let network = counted.then(|| network(address));
        let mut table = self.lock();
        let evicted = if network.is_some_and(|network| table.share(network) >= self.per_address) {
            table.evict(|seat| seat.network == network)?;
            true
        } else if table.seats.len() >= self.total {
            table.evict(|_| true)?;
            true
        } else {
            false
        };
        let number = table.next;
        let seat = Arc::new(Seat::new(network));
        table.next += 1;
        table.seats.insert(number, Arc::clone(&seat));
        if let Some(network) = network {
            *table.shares.entry(network).or_default() += 1;
        }
        self.open.send_modify(|open| *open += 1);
        Some(ConnectionPermit {
            connections: self.clone(),
            number,
            seat,
            evicted,
        })
    }

    /// Waits until no connection is left.
    pub(crate) async fn gone(&self) {
        // The sender lives as long as `self`.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// The number of connections.
    pub(crate) fn count(&self) -> usize {
        *self.open.borrow()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn share(&self, network: u128) -> usize {
        self.shares.get(&network).copied().unwrap_or_default()
    }

    /// Evicts one of the matching connections.
    fn evict(&mut self, of: impl Fn(&Seat) -> bool) -> Option<()> {
        let share = |seat: &Seat| seat.network.map_or(0, |network| self.share(network));
        // A connection that has started to work meanwhile is not evicted. The next one is tried.
        let mut waiting: Vec<_> = self
            .seats
            .iter()
            .filter(|(_, seat)| of(seat))
            .filter_map(|(number, seat)| {
                let (state, since) = seat.since()?;
                Some((std::cmp::Reverse(share(seat)), since, *number, state))
            })
            .collect();
        let tried = |(_, _, number, state): &(_, _, u64, u64)| {
            let seat = self.seats.get(number)?;
            seat.evict(*state).then_some(*number)
        };
        let first = waiting.iter().min().and_then(tried);
        let found = match first {
            Some(found) => found,
            None => {
                waiting.sort_unstable();
                waiting.iter().find_map(tried)?
            }
        };
        self.remove(found);
        Some(())
    }

    fn remove(&mut self, number: u64) {
        let Some(network) = self.seats.remove(&number).and_then(|seat| seat.network) else {
            return;
        };
        if let Some(share) = self.shares.get_mut(&network) {
            *share = share.saturating_sub(1);
            if *share == 0 {
                self.shares.remove(&network);
            }
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.connections.lock().remove(self.number);
        self.connections.open.send_modify(|open| *open = open.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn is_given_up(place: &ConnectionPermit) -> bool {
        !place.seat.works()
    }

    #[test]
    fn busy_connections_are_limited_and_released() {
        let connections = Connections::new(3, 2);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let enter = |address, counted| {
            let place = connections.enter(address, counted);
            place.inspect(|place| assert!(place.seat.works()))
        };
        let first = enter(one, true).unwrap();
        let second = enter(one, true).unwrap();
        assert!(enter(one, true).is_none(), "two for each address");
        let third = enter(one, false).unwrap();
        assert!(enter(other, true).is_none(), "three in all");
        assert_eq!(connections.count(), 3);
        let [near, same] = ["2001:db8::1", "2001:db8::2"].map(address);
        drop((first, second));
        let crowd = [enter(near, true).unwrap(), enter(same, true).unwrap()];
        drop(third);
        assert!(enter(near, true).is_none(), "two for each network of 64 bits");
        assert!(crowd.iter().all(|place| !is_given_up(place)));
        drop(crowd);
        assert_eq!(connections.count(), 0);
        let table = connections.lock();
        assert!(table.seats.is_empty() && table.shares.is_empty());
    }

    #[test]
    fn evicts_the_connection_idle_longest() {
        let connections = Connections::new(3, 3);
        let enter = |text| connections.enter(address(text), true);
        let [first, second, third] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|text| enter(text).unwrap());
        // The first works, and then waits for its client again.
        assert!(first.seat.works());
        first.seat.waits();
        let fourth = enter("192.0.2.4").unwrap();
        assert!(fourth.evicted && is_given_up(&second));
        assert!(!is_given_up(&first) && !is_given_up(&third));
        // Now only the fourth waits for its client.
        let fifth = enter("192.0.2.5").unwrap();
        assert!(is_given_up(&fourth) && fifth.seat.works());
        assert!(enter("192.0.2.6").is_none(), "all are at work");
        drop(second);
        drop(fourth);
        assert_eq!(connections.count(), 3);
    }

    #[test]
    fn evicts_from_the_address_with_most_connections() {
        let connections = Connections::new(5, 3);
        let enter = |text| connections.enter(address(text), true);
        let alone = enter("192.0.2.1").unwrap();
        let crowd: Vec<ConnectionPermit> = (0..3).map(|_| enter("192.0.2.2").unwrap()).collect();
        let fourth = enter("192.0.2.2").unwrap();
        assert!(is_given_up(&crowd[0]), "a fourth of three is at the cost of the first");
        let second = enter("192.0.2.3").unwrap();
        assert!(!second.evicted, "there are five places");
        let third = enter("192.0.2.4").unwrap();
        assert!(third.evicted && is_given_up(&crowd[1]), "of those who have three");
        assert!(
            [&alone, &second, &fourth, &crowd[2]]
                .iter()
                .all(|place| !is_given_up(place))
        );
    }

    #[test]
    fn many_addresses_do_not_shut_others_out() {
        let connections = Connections::new(64, 8);
        let held: Vec<ConnectionPermit> = (0..64)
            .map(|number| connections.enter(IpAddr::V4((number % 8 + 1).into()), true).unwrap())
            .collect();
        for number in 1..200_u32 {
            let place = connections.enter(IpAddr::V4((1000 + number).into()), true).unwrap();
            assert!(place.seat.works(), "a fresh one is not the first to go");
        }
        assert_eq!(held.iter().filter(|place| is_given_up(place)).count(), 1);
    }
}
