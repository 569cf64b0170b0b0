//! The guard in front of an API: what is forwarded, and with which identity.

pub(crate) mod catalogue_file;
mod catalogue_rows;
pub(crate) mod identity_headers;
mod removed_fields;
pub(crate) mod upgrade;
pub(crate) mod upload;
pub(crate) mod upstream;
