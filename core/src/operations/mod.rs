//! The operations, and the dispatcher that finds them by name.

pub(crate) mod create;
pub(crate) mod credentials;
pub(crate) mod delegation;
pub(crate) mod describe;
pub(crate) mod dispatch;
pub(crate) mod identify;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod manageable;
pub(crate) mod rename;
pub(crate) mod revoke;
pub(crate) mod update;
pub(crate) mod usage;
pub(crate) mod validate;
pub(crate) mod verify;
