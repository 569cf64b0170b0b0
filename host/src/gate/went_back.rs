//! What is known of a database that went back in time.

use std::sync::{Mutex, PoisonError};

use crate::log::tell;

/// A database that was put back to an older state, or whose place another one took, while it was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WentBack {
    /// How often that was seen.
    pub times: u64,
    /// When it was seen last, in Unix seconds.
    pub seen: i64,
    /// The revision that was read before.
    pub before: i64,
    /// The revision that was read instead.
    pub after: i64,
}

impl WentBack {
    /// What happened and what to do about it, for people.
    pub const ADVICE: &'static str = "the database was put back to an older state, or another one took its place; tokens \
        that were revoked since that state was saved are good again, and tokens created since are unknown. Revoke again \
        what was revoked, or restore a newer backup with `tokenlatch db restore FILE --revived=revoke`; then restart to \
        clear this warning";
}

/// Notes it.
#[derive(Debug, Default)]
pub(super) struct Watcher(Mutex<Option<WentBack>>);

impl Watcher {
    pub fn get(&self) -> Option<WentBack> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, before: i64, after: i64, seen: i64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(WentBack {
            times: known.map_or(0, |known| known.times).saturating_add(1),
            seen,
            before,
            after,
        });
        tell(format_args!(
            "store_went_back: {}. Revision {} was read before, and {} now",
            WentBack::ADVICE,
            before,
            after
        ));
    }
}
