//! What is worth telling the operator.

use std::fmt;

#[cfg(feature = "server")]
pub(crate) fn tell(what: fmt::Arguments<'_>) {
    tracing::warn!("{what}");
}

#[cfg(feature = "server")]
pub(crate) fn note(what: fmt::Arguments<'_>) {
    tracing::info!("{what}");
}

#[cfg(feature = "server")]
pub(crate) fn debug(what: fmt::Arguments<'_>) {
    tracing::debug!("{what}");
}

/// Without the server nobody keeps a log: `Follower::status` and `Gate::went_back` report.
#[cfg(not(feature = "server"))]
pub(crate) fn tell(_: fmt::Arguments<'_>) {}

#[cfg(not(feature = "server"))]
pub(crate) fn note(_: fmt::Arguments<'_>) {}

#[cfg(not(feature = "server"))]
pub(crate) fn debug(_: fmt::Arguments<'_>) {}
