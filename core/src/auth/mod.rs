//! What a request presents and what it wants to do.

pub(crate) mod authorization;
pub(crate) mod call;
pub(crate) mod catalogue;
pub(crate) mod header;
pub(crate) mod prepared;
pub(crate) mod presentation;
pub(crate) mod target;
