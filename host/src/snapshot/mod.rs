//! Signed snapshots between machines: an origin publishes its tokens, and edges follow it and decide on their own.
//!
//! - [`Publisher`] makes signed snapshots and deltas of a service's store.
//! - [`Follower`] keeps a verified copy in the module's memory, from the messages of a [`Source`], and counts uses.
//!
//! The module defines the messages and when one is accepted: `SNAPSHOT.md` of the core.

mod cache;
mod follower;
mod key;
mod message;
mod pace;
mod publisher;
mod replica;
mod report;
mod reports;
mod source;
mod state_file;
mod watch;

pub use follower::{Follower, FollowerOptions, FollowerStatus};
pub use key::{KeyFileError, key_file_text, read_snapshot_key};
pub use message::Message;
pub use pace::LONGEST as LONGEST_POLL;
pub use publisher::{Delta, Publisher, PublisherOptions};
pub use report::{MAX_REPORTED, ReportError, ReportedUse, UsageReport};
pub use reports::{REFUSED as REPORT_REFUSED, UNWANTED as REPORT_UNWANTED};
pub use source::{Fetch, Fetched, Source, SourceError};
