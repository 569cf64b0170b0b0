//! Ports that nobody listens on.

use std::net::{SocketAddr, TcpListener};

use crate::fault::Fault;

/// A loopback address whose port was free a moment ago.
///
/// # Errors
/// When the system gives none.
pub fn free_address() -> Result<SocketAddr, Fault> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(Fault::during("a free port"))
}
