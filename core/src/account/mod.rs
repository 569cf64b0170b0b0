//! What an account may do, and the limits on its tokens.

pub(crate) mod caps;
pub(crate) mod policy;
pub(crate) mod rights;
