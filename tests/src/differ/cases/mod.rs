//! The kinds of cases that the model answers too.

pub(super) mod histories;
pub(super) mod parameters;
pub(super) mod requests;
pub(super) mod snapshots;
pub(super) mod tables;
