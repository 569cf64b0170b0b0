//! Free ports for programs that can't be told to choose one themselves.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Systems take the ports of outgoing connections from above this range (Linux: 32768 and up). A port that was free a moment ago
/// would be taken by the next client there, so that the program finds it in use.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// The next port to try. It starts anywhere, so that programs that run at once try different ones.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let random = RandomState::new().hash_one(std::process::id()) % u64::from(u16::MAX);
    AtomicU16::new(u16::try_from(random).unwrap_or_default())
});

/// A loopback address that nothing listens at, and that no outgoing connection and no other call gets.
///
/// # Errors
/// Every port of the range is in use.
pub fn free_address() -> std::io::Result<SocketAddr> {
    for _ in RANGE {
        let port = RANGE.start + NEXT.fetch_add(1, Ordering::Relaxed) % (RANGE.end - RANGE.start);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener.local_addr();
        }
    }
    Err(std::io::ErrorKind::AddrInUse.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_unique_and_below_the_ephemeral_range() {
        let addresses: Vec<SocketAddr> = (0..100).map(|_| free_address().unwrap()).collect();
        for (index, address) in addresses.iter().enumerate() {
            assert!(RANGE.contains(&address.port()));
            assert!(!addresses[..index].contains(address));
        }
    }
}
