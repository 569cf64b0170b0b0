//! Which message may follow the table that an edge holds. SNAPSHOT.md, "When a message is taken".

use super::floor::{Floor, is_behind};
use super::head::{Head, Kind};
use crate::base::error::{Error, ErrorCode};

/// Checks that a message may follow the table held and the floor.
///
/// # Errors
/// `floor_in_future`, `snapshot_rollback`, `snapshot_gap`.
pub(crate) fn check(head: &Head, held: Option<Floor>, floor: Option<Floor>, now: i64) -> Result<(), Error> {
    // A table from the future makes every message of a right clock look older.
    let rollback = || {
        if held.iter().chain(&floor).any(|known| is_behind(now, known.made)) {
            floor_in_future()
        } else {
            rollback()
        }
    };
    if head.kind == Kind::Delta {
        let held = held.filter(|held| held.epoch == head.epoch).ok_or_else(gap)?;
        let applied = head.version < held.version || (head.version == held.version && head.base < held.version);
        if applied || head.made < held.made {
            return Err(rollback());
        }
        return if head.base == held.version { Ok(()) } else { Err(gap()) };
    }
    let table = Floor::from(head);
    if held.iter().chain(&floor).any(|known| known.is_above(&table)) {
        return Err(rollback());
    }
    Ok(())
}

fn rollback() -> Error {
    Error::new(
        ErrorCode::SnapshotRollback,
        "the snapshot or delta is older than the table held",
    )
}

fn floor_in_future() -> Error {
    Error::new(
        ErrorCode::FloorInFuture,
        "the table held, or the floor of an earlier one, was made more than 300 seconds after now. If this clock is right, the \
         origin's was wrong: remove what this edge has kept",
    )
}

/// The error for a delta that doesn't start from the table held.
pub(crate) fn gap() -> Error {
    Error::new(
        ErrorCode::SnapshotGap,
        "the delta doesn't start from the table held; a snapshot is needed",
    )
}
