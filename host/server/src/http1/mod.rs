//! Strict HTTP/1: the bytes of a request have one reading, or the request is refused.

pub(crate) mod framing;
pub(crate) mod head;
pub(crate) mod request_check;
pub(crate) mod unread_body;
