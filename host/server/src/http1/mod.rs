//! Strict HTTP/1: a request whose bytes can be read in more than one way is refused.

pub(crate) mod head;
pub(crate) mod limits;
pub(crate) mod request_check;
pub(crate) mod unread_body;
pub(crate) mod wire;
