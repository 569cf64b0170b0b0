//! What is worth telling whoever runs an edge.

use std::fmt;

#[cfg(feature = "server")]
pub(super) fn tell(what: fmt::Arguments<'_>) {
    tracing::warn!("{what}");
}

#[cfg(feature = "server")]
pub(super) fn note(what: fmt::Arguments<'_>) {
    tracing::info!("{what}");
}

#[cfg(feature = "server")]
pub(super) fn debug(what: fmt::Arguments<'_>) {
    tracing::debug!("{what}");
}

/// Without the server nobody keeps a log: `Follower::status` tells.
#[cfg(not(feature = "server"))]
pub(super) fn tell(_: fmt::Arguments<'_>) {}

#[cfg(not(feature = "server"))]
pub(super) fn note(_: fmt::Arguments<'_>) {}

#[cfg(not(feature = "server"))]
pub(super) fn debug(_: fmt::Arguments<'_>) {}
