//! How many connections there may be at once: on a port, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failures::network;

/// Counts the connections of a port.
#[derive(Debug)]
pub(super) struct Connections {
    places: Arc<Semaphore>,
    total: u32,
    per_address: usize,
    addresses: Mutex<HashMap<u128, usize>>,
}

/// A place among the connections; it is free again once this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    network: Option<u128>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(total: usize, per_address: usize) -> Arc<Connections> {
        let total = u32::try_from(total.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Arc::new(Connections {
            places: Arc::new(Semaphore::new(total as usize)),
            total,
            per_address,
            addresses: Mutex::default(),
        })
    }

    /// A place for a connection from here, if one is free. Proxies stand for many clients and have no limit of their
    /// own (`counted` is false).
    pub(super) fn enter(self: &Arc<Connections>, address: IpAddr, counted: bool) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        if counted {
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            let count = addresses.entry(network(address)).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        Some(Place {
            connections: self.clone(),
            network: counted.then(|| network(address)),
            _permit: permit,
        })
    }

    /// Waits until there is none left.
    pub(super) async fn gone(&self) {
        // The semaphore is never closed.
        let _ = self.places.acquire_many(self.total).await;
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        (self.total as usize).saturating_sub(self.places.available_permits())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut addresses = self
            .connections
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                addresses.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    #[test]
    fn places_are_limited_and_come_free() {
        let connections = Connections::new(3, 2);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        let first = connections.enter(one, true).unwrap();
        let second = connections.enter(one, true).unwrap();
        assert!(connections.enter(one, true).is_none(), "two for each address");
        let third = connections.enter(one, false).unwrap();
        assert!(connections.enter(other, true).is_none(), "three in all");
        assert_eq!(connections.count(), 3);
        let [near, same]: [IpAddr; 2] = ["2001:db8::1", "2001:db8::2"].map(|address| address.parse().unwrap());
        drop((first, second));
        let crowd = [
            connections.enter(near, true).unwrap(),
            connections.enter(same, true).unwrap(),
        ];
        drop(third);
        assert!(
            connections.enter(near, true).is_none(),
            "two for each network of 64 bits"
        );
        drop(crowd);
        assert_eq!(connections.count(), 0);
        assert!(connections.addresses.lock().unwrap().is_empty());
    }
}
