//! Parses addresses and networks on the command line.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

/// Parses an address with a port; `localhost` is 127.0.0.1.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || "give an address and a port, such as 127.0.0.1:2083 or [::1]:2083".to_owned();
    match text.strip_prefix("localhost:") {
        Some(port) => Ok((Ipv4Addr::LOCALHOST, port.parse().map_err(|_| wrong())?).into()),
        None => text.parse().map_err(|_| wrong()),
    }
}

/// Parses a network, or a single address.
pub fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| {
            text.parse::<IpAddr>()
                .map(|address| IpNet::from(address.to_canonical()))
        })
        .map_err(|_| "give an address such as 192.0.2.7, or a block such as 192.0.2.0/24".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    #[test]
    fn addresses_and_networks_are_read() {
        assert_eq!(address("localhost:8080").unwrap(), "127.0.0.1:8080".parse().unwrap());
        assert!(address("2083").is_err() && address("example.com:1").is_err());
        assert_eq!(network("192.0.2.7").unwrap(), "192.0.2.7/32".parse().unwrap());
        assert!(network("2001:db8::/32").is_ok() && network("x").is_err());
    }
}
