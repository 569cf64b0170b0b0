//! Counts when and how often tokens are admitted, in memory. The counts are flushed to the store from time to time.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::Usage;

/// The number of separately locked parts, so that concurrent verifications rarely contend.
const PARTS: usize = 16;

/// The largest number of tokens in one part, including those being flushed: 102,400 in all parts.
const MOST: usize = 6_400;

/// Tokens per flush step: few enough for the store's other writers and for a slow store.
const BATCH: usize = 1_000;

/// Uses since the last flush.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    parts: [Mutex<Part>; PARTS],
    hasher: RandomState,
    /// Off until a caller promises to flush.
    noting: AtomicBool,
    missed: AtomicU64,
}

#[derive(Debug, Default)]
struct Part {
    held: HashMap<String, Use>,
    /// How many entries are being flushed and may be returned.
    away: usize,
}

#[derive(Clone, Copy, Debug)]
struct Use {
    last: i64,
    times: u64,
}

impl Uses {
    /// Starts recording uses.
    pub fn begin(&self) {
        self.noting.store(true, Ordering::Relaxed);
    }

    /// Records that a token was admitted. If too many other tokens are held, only the miss is counted.
    pub fn note(&self, id: &str, now: i64) {
        if self.noting.load(Ordering::Relaxed) {
            let one = Use { last: now, times: 1 };
            let noted = self.part(id).add(id, one);
            self.count(noted, one);
        }
    }

    fn count(&self, noted: bool, one: Use) {
        if !noted {
            self.missed.fetch_add(one.times, Ordering::Relaxed);
        }
    }

    /// How many uses were not recorded.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Takes all entries for flushing.
    pub fn take(&self) -> PendingBatch<'_> {
        let mut usage = Vec::new();
        for part in &self.parts {
            let mut part = lock(part);
            let held = std::mem::take(&mut part.held);
            part.away += held.len();
            usage.extend(held.into_iter().map(|(id, one)| Usage {
                id,
                last_used: one.last,
                uses: one.times,
            }));
        }
        PendingBatch { uses: self, usage }
    }

    fn part(&self, id: &str) -> MutexGuard<'_, Part> {
        let at = usize::try_from(self.hasher.hash_one(id) % PARTS as u64).unwrap_or_default();
        // `at` is a remainder modulo the number of parts, so the part exists.
        let part = self.parts.get(at).unwrap_or(&self.parts[0]);
        lock(part)
    }
}

impl Part {
    /// Adds a use. Returns `false` for a new token when too many others are held.
    fn add(&mut self, id: &str, one: Use) -> bool {
        if let Some(found) = self.held.get_mut(id) {
            found.last = found.last.max(one.last);
            found.times = found.times.saturating_add(one.times);
            return true;
        }
        let room = self.held.len() + self.away < MOST;
        if room {
            self.held.insert(id.to_owned(), one);
        }
        room
    }

    /// Frees the place of an entry that was being flushed.
    fn leave(&mut self) {
        self.away = self.away.saturating_sub(1);
    }
}

/// Entries taken for flushing. Uncommitted entries are returned on drop.
pub(crate) struct PendingBatch<'u> {
    uses: &'u Uses,
    usage: Vec<Usage>,
}

impl PendingBatch<'_> {
    /// The next batch to store; `None` when all are stored.
    pub fn batch(&self) -> Option<&[Usage]> {
        self.usage.rchunks(BATCH).next()
    }

    /// Marks the batch as stored.
    pub fn kept(&mut self) {
        let rest = self.usage.len().saturating_sub(BATCH);
        for used in self.usage.drain(rest..) {
            self.uses.part(&used.id).leave();
        }
    }
}

impl Drop for PendingBatch<'_> {
    fn drop(&mut self) {
        for used in self.usage.drain(..) {
            let one = Use {
                last: used.last_used,
                times: used.uses,
            };
            let mut part = self.uses.part(&used.id);
            // Both under the same lock, so that no other token gets the place.
            part.leave();
            let noted = part.add(&used.id, one);
            self.uses.count(noted, one);
        }
    }
}

/// Ignores poisoning: after a panic at worst a count is too small.
fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use super::*;

    /// Flushes and returns all entries.
    fn everything(uses: &Uses) -> Vec<Usage> {
        let mut usage = Vec::new();
        let mut taken = uses.take();
        while let Some(batch) = taken.batch() {
            assert!(batch.len() <= BATCH);
            usage.extend_from_slice(batch);
            taken.kept();
        }
        usage
    }

    #[test]
    fn uses_are_recorded_only_after_begin() {
        let uses = Uses::default();
        uses.note("one", 1);
        assert_eq!(everything(&uses), []);
        uses.begin();
        for now in [3, 7, 5] {
            uses.note("one", now);
        }
        let one = Usage {
            id: "one".to_owned(),
            last_used: 7,
            uses: 3,
        };
        assert_eq!(everything(&uses), [one]);
        assert_eq!(everything(&uses), []);
    }

    #[test]
    fn uncommitted_uses_merge_with_new_ones() {
        let uses = Uses::default();
        uses.begin();
        uses.note("one", 1);
        uses.note("two", 1);
        let taken = uses.take();
        uses.note("one", 5);
        drop(taken);
        let mut usage = everything(&uses);
        usage.sort_by(|one, other| one.id.cmp(&other.id));
        let told: Vec<_> = usage.iter().map(|one| (one.last_used, one.uses)).collect();
        assert_eq!(told, [(5, 2), (1, 1)]);
    }

    #[test]
    fn committed_batches_are_not_returned() {
        let uses = Uses::default();
        uses.begin();
        for number in 0..BATCH * 3 {
            uses.note(&number.to_string(), 1);
        }
        let mut taken = uses.take();
        let mut kept = taken.batch().unwrap().to_vec();
        assert_eq!(kept.len(), BATCH);
        taken.kept();
        drop(taken);
        kept.extend(everything(&uses));
        assert!(kept.iter().all(|used| used.uses == 1));
        let mut ids: Vec<_> = kept.into_iter().map(|used| used.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), BATCH * 3);
    }

    #[test]
    fn number_of_held_uses_is_bounded() {
        let uses = Uses::default();
        uses.begin();
        for number in 0..PARTS * MOST * 2 {
            uses.note(&number.to_string(), 1);
        }
        let taken = uses.take();
        assert_eq!(taken.usage.len(), PARTS * MOST);
        assert_eq!(uses.missed(), (PARTS * MOST) as u64);
        // Entries that are being flushed keep their places.
        for number in 0..100 {
            uses.note(&format!("later {number}"), 1);
        }
        drop(taken);
        assert_eq!(everything(&uses).len(), PARTS * MOST);
        assert_eq!(uses.missed(), (PARTS * MOST + 100) as u64);
        // Stored entries free their places.
        for number in 0..100 {
            uses.note(&format!("later {number}"), 1);
        }
        assert_eq!(everything(&uses).len(), 100);
    }

    #[test]
    fn returned_uses_keep_their_slots_under_concurrency() {
        let uses = Uses::default();
        uses.begin();
        let noted = AtomicU64::new(0);
        let note = |id: String| {
            uses.note(&id, 1);
            noted.fetch_add(1, Ordering::Relaxed);
        };
        for number in 0..PARTS * MOST * 2 {
            note(number.to_string());
        }
        let taken = uses.take();
        let gone = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0;
                while !gone.load(Ordering::Relaxed) {
                    note(format!("later {number}"));
                    number += 1;
                }
            });
            drop(taken);
            gone.store(true, Ordering::Relaxed);
        });
        let held = everything(&uses);
        assert!(held.iter().all(|used| !used.id.starts_with("later")));
        assert_eq!(held.len(), PARTS * MOST);
        let held: u64 = held.iter().map(|used| used.uses).sum();
        assert_eq!(held + uses.missed(), noted.load(Ordering::Relaxed));
    }
}
