//! Records that the database went back in time.

use std::sync::{Mutex, PoisonError};

/// Reports that the database was put back to an older state, or replaced by another one, while it was in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WentBack {
    /// How often this was detected.
    pub times: u64,
    /// When it was last detected, in Unix seconds.
    pub seen: i64,
    /// The revision that was read before.
    pub before: i64,
    /// The revision that was read instead.
    pub after: i64,
    /// The epoch that was read before. Edges may hold it, so the database needs a later one.
    pub epoch: i64,
}

impl WentBack {
    /// What happened and what to do about it, as a message for operators.
    pub const ADVICE: &'static str = "the database was replaced or restored to an older state: tokens that were revoked \
     after that state was saved are valid again, and tokens created after it are unknown. Revoke them again, or restore \
     a newer backup with `tokenlatch db restore FILE --revived=revoke`; then restart to \
        clear this warning";
}

/// Collects the detections.
#[derive(Debug, Default)]
pub(super) struct Watcher(Mutex<Option<WentBack>>);

impl Watcher {
    pub fn get(&self) -> Option<WentBack> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a detection to the earlier ones.
    pub fn note(&self, seen: WentBack) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(WentBack {
            times: known.map_or(0, |known| known.times).saturating_add(seen.times),
            // Keeps the newest epoch that edges may hold, even if no new one was begun since.
            epoch: known.map_or(seen.epoch, |known| known.epoch.max(seen.epoch)),
            ..seen
        });
        tracing::warn!(
            "store_went_back: {}. Revision {} before, {} now",
            WentBack::ADVICE,
            seen.before,
            seen.after
        );
    }
}
