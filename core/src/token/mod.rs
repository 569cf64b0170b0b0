//! What a token is: its name, secret, hash, expiry, access and record.

pub(crate) mod access;
pub(crate) mod address;
pub(crate) mod expiry;
pub(crate) mod feature;
pub(crate) mod hash;
pub(crate) mod name;
pub(crate) mod record;
pub(crate) mod secret;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod user;
pub(crate) mod zone;
