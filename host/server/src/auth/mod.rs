//! Who may: the decision about a request, the limits on failed attempts and logins.

pub(crate) mod authenticate;
pub(crate) mod backend;
pub(crate) mod failures;
pub(crate) mod logins;
