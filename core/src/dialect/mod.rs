//! The compatible interfaces: UAPI, API 2 and WHM API 1.

pub(crate) mod parameters;
pub(crate) mod reply;
pub(crate) mod sentence;
