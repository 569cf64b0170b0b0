//! Signed snapshots: a table that an origin publishes, and that an edge decides by alone. `SNAPSHOT.md` describes them.

mod build;
mod front;
mod head;
mod key;
mod loading;
mod reader;
mod rows;
mod shared;
mod table;
mod users;
mod verifier;

pub use build::{Heading, Publication, renew};
pub use head::{BodyState, Inspected, Kind, MESSAGE_HEAD_BYTES, inspect};
pub use key::SigningKey;
pub use verifier::{Floor, Holder, Snapshot, SnapshotOptions, SnapshotState};

use alloc::format;

use crate::error::{Error, ErrorCode};

/// How far the edge's clock may lie behind the origin's, and behind what it showed before, in seconds.
pub const CLOCK_SLACK: i64 = 300;

/// A message that breaks the format.
fn malformed(part: &'static str) -> Error {
    Error::new(
        ErrorCode::SnapshotMalformed,
        format!("the snapshot's or delta's {part} breaks the format"),
    )
}

/// A message that there is no memory for.
fn too_large() -> Error {
    Error::new(
        ErrorCode::SnapshotTooLarge,
        "there is no memory for a table of this size",
    )
}
