//! What every request passes: client address, id, log line, metrics.

pub(crate) mod client;
pub(crate) mod envelope;
pub(crate) mod log_fields;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod request;
pub(crate) mod request_id;
pub(crate) mod scrub;
