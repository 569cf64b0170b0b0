//! The guard in front of an API: what is forwarded, and with which identity.

pub(crate) mod catalogue_file;
mod hop_by_hop;
pub(crate) mod identity_headers;
pub(crate) mod upload;
pub(crate) mod upstream;
