//! Decides about requests, and limits failed attempts and logins.

pub(crate) mod admitted;
pub(crate) mod authenticate;
pub(crate) mod backend;
pub(crate) mod calls;
pub(crate) mod clock;
pub(crate) mod credential_fields;
pub(crate) mod failed_attempts;
pub(crate) mod login_limits;
