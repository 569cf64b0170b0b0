//! The log: its set-up, the writer of its lines, and the removal of secrets from them.

mod batches;
pub(crate) mod scrub;
pub(crate) mod setup;
