//! Whether the table that an edge holds may be used now: one must be there, not be too old, and the clock must not be behind.
//! SNAPSHOT.md, "When a table decides".

use core::sync::atomic::{AtomicU32, Ordering};

use super::floor::is_behind;
use super::table::HeldTable;
use crate::base::reason::Reason;
use crate::token::time::{MIN_NOW, is_now};

/// Returns the table held, if it may be used now.
#[inline]
pub(crate) fn usable<'a>(
    held: Option<&'a HeldTable>,
    max_age: i64,
    latest_now: &LatestNow,
    now: i64,
) -> Result<&'a HeldTable, Reason> {
    let held = held.ok_or(Reason::SnapshotMissing)?;
    let latest = latest_now.get();
    if is_behind(now, held.head.made) || is_behind(now, latest) {
        return Err(Reason::ClockBackwards);
    }
    if now > latest && is_now(now) {
        latest_now.note(now);
    }
    let max_age = max_age.min(held.head.max_age.into());
    if now > held.head.made.saturating_add(max_age) {
        return Err(Reason::SnapshotStale);
    }
    Ok(held)
}

/// The latest time seen, in seconds since 2020. Verifications share the table, so it is changed without a lock; 32 bits
/// can be changed atomically on every platform.
#[derive(Default)]
pub(crate) struct LatestNow(AtomicU32);

impl LatestNow {
    fn get(&self) -> i64 {
        MIN_NOW.saturating_add(self.0.load(Ordering::Relaxed).into())
    }

    /// Notes that it is at least this time.
    pub fn note(&self, now: i64) {
        self.0.fetch_max(since_2020(now), Ordering::Relaxed);
    }

    /// Takes a time that the origin confirms, also an earlier one.
    pub fn confirm(&self, made: i64) {
        self.0.store(since_2020(made), Ordering::Relaxed);
    }
}

/// Converts a time to 32 bits. The year 2156 is the last that fits, and later times become its end.
fn since_2020(time: i64) -> u32 {
    u32::try_from(time.saturating_sub(MIN_NOW).max(0)).unwrap_or(u32::MAX)
}
