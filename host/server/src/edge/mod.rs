//! A server that follows an origin and decides by its snapshots.

pub(crate) mod http_source;
pub(crate) mod remote;
pub(crate) mod server;
