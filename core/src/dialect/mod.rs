//! The compatible interfaces: UAPI, API 2 and WHM API 1.

pub(crate) mod body;
pub(crate) mod data;
pub(crate) mod envelope;
pub(crate) mod parameters;
pub(crate) mod part;
pub(crate) mod reply;
pub(crate) mod sentence;
pub(crate) mod shape;
