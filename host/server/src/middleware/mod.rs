//! What every request passes: client address, id, log line, metrics.

pub(crate) mod client;
pub(crate) mod log_fields;
pub(crate) mod metrics;
mod problem_envelope;
pub(crate) mod request;
pub(crate) mod request_id;
