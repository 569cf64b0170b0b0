//! Errors shared by the parts of a snapshot.

use alloc::format;

use crate::base::error::{Error, ErrorCode};

/// The error for a message that breaks the format.
pub(crate) fn malformed(part: &'static str) -> Error {
    Error::new(
        ErrorCode::SnapshotMalformed,
        format!("the snapshot's or delta's {part} breaks the format"),
    )
}

/// The error for a message that doesn't fit in memory.
pub(crate) fn too_large() -> Error {
    Error::new(
        ErrorCode::SnapshotTooLarge,
        "there is no memory for a table of this size",
    )
}
