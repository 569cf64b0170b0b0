//! The decision: allowed, or refused for a reason.

pub(crate) mod table;
pub(crate) mod verify;
