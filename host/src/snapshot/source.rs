//! The interface through which a follower gets messages.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::Receiver;

use super::report::UsageReport;

/// A request for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// The whole table.
    Snapshot,
    /// The changes since a version, as soon as there are any.
    Deltas {
        /// The epoch of the held table.
        epoch: u64,
        /// The version of the held table.
        version: u64,
        /// How long the origin may wait for a change.
        wait: Duration,
    },
}

/// The answer to a request.
#[derive(Debug)]
pub enum Fetched {
    /// A message, in pieces as they arrive. Drop the receiver to stop reading.
    Pieces(Receiver<Result<Vec<u8>, SourceError>>),
    /// No delta starts from the held version.
    Gap,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// The stable code.
    pub code: &'static str,
    /// The message, without any secret.
    pub message: String,
}

impl SourceError {
    /// Creates an error with this code and message.
    pub fn new(code: &'static str, message: impl Into<String>) -> SourceError {
        SourceError {
            code,
            message: message.into(),
        }
    }
}

/// A follower's connection to its origin.
#[async_trait]
pub trait Source: fmt::Debug + Send + Sync {
    /// Requests a message.
    async fn fetch(&self, what: Fetch) -> Result<Fetched, SourceError>;

    /// Sends a usage report. The origin may have accepted it even if this returns an error.
    async fn report(&self, report: &UsageReport) -> Result<(), SourceError>;
}
