//! What every request passes: client address, id, log line, metrics.

pub(crate) mod client;
pub(crate) mod envelope;
mod log_batches;
pub(crate) mod log_fields;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod request;
pub(crate) mod request_id;
pub(crate) mod scrub;
