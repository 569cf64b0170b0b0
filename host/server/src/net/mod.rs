//! Listeners, connections, TLS and signals.

pub(crate) mod certificate_files;
pub(crate) mod listener;
pub(crate) mod pem;
pub(crate) mod signals;
pub(crate) mod tls;
