//! Where a follower's messages come from.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::Receiver;

use super::report::UsageReport;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// The whole table.
    Snapshot,
    /// What has changed since a version, as soon as anything has.
    Deltas {
        /// The epoch of what is held.
        epoch: u64,
        /// Its version.
        version: u64,
        /// How long the origin may wait for a change.
        wait: Duration,
    },
}

/// What came.
#[derive(Debug)]
pub enum Fetched {
    /// A message, in pieces as they come. Whoever drops this wants no more of it.
    Pieces(Receiver<Result<Vec<u8>, SourceError>>),
    /// No delta leads on from what is held.
    Gap,
}

/// Why nothing came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// A stable code.
    pub code: &'static str,
    /// A sentence without any secret.
    pub message: String,
}

impl SourceError {
    /// An error of a source.
    pub fn new(code: &'static str, message: impl Into<String>) -> SourceError {
        SourceError {
            code,
            message: message.into(),
        }
    }
}

/// An origin, as a follower reaches it.
#[async_trait]
pub trait Source: fmt::Debug + Send + Sync {
    /// Asks for a message.
    async fn fetch(&self, what: Fetch) -> Result<Fetched, SourceError>;

    /// Hands a report of uses in. It may have been taken even where this is an error.
    async fn report(&self, report: &UsageReport) -> Result<(), SourceError>;
}
