//! Free ports.

use std::net::{SocketAddr, TcpListener};

use crate::fault::Fault;

/// A loopback address whose port was free a moment ago.
///
/// # Errors
/// The system has no free port.
pub fn free_address() -> Result<SocketAddr, Fault> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(Fault::during("a free port"))
}
