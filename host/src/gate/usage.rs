//! When and how often tokens are admitted: counted in memory, handed to the store now and then.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::Usage;

/// Parts that are locked apart: those who verify at the same time hardly ever meet.
const PARTS: usize = 16;

/// Tokens of one part that are held, with those that are being handed over: 102,400 in all.
const MOST: usize = 6_400;

/// What was used since it was last handed over.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    parts: [Mutex<Part>; PARTS],
    hasher: RandomState,
    /// Nothing is noted until somebody has promised to hand it over.
    noting: AtomicBool,
    missed: AtomicU64,
}

#[derive(Debug, Default)]
struct Part {
    held: HashMap<String, Use>,
    /// How many more are being handed over, and may come back.
    away: usize,
}

#[derive(Clone, Copy, Debug)]
struct Use {
    last: i64,
    times: u64,
}

impl Uses {
    /// From now on uses are noted.
    pub fn begin(&self) {
        self.noting.store(true, Ordering::Relaxed);
    }

    /// Notes that a token was admitted. Where too many others are held it is not, and only that is counted.
    pub fn note(&self, id: &str, now: i64) {
        if self.noting.load(Ordering::Relaxed) && !self.part(id).add(id, Use { last: now, times: 1 }) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many uses were not noted.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Takes what is held, to be handed over.
    pub fn take(&self) -> Taken<'_> {
        let mut usage = Vec::new();
        for part in &self.parts {
            let mut part = lock(part);
            let held = std::mem::take(&mut part.held);
            part.away = held.len();
            usage.extend(held.into_iter().map(|(id, one)| Usage {
                id,
                last_used: one.last,
                uses: one.times,
            }));
        }
        Taken { uses: self, usage }
    }

    fn part(&self, id: &str) -> MutexGuard<'_, Part> {
        let at = usize::try_from(self.hasher.hash_one(id) % PARTS as u64).unwrap_or_default();
        // There are as many parts as the remainder can be.
        let part = self.parts.get(at).unwrap_or(&self.parts[0]);
        lock(part)
    }
}

impl Part {
    /// Adds a use, unless it is a token's first one and too many others are held.
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
}

/// What was taken. If it is dropped before it is kept it goes back, whatever became of those who had it.
pub(crate) struct Taken<'u> {
    uses: &'u Uses,
    usage: Vec<Usage>,
}

impl Taken<'_> {
    pub fn usage(&self) -> &[Usage] {
        &self.usage
    }

    /// The store has it.
    pub fn kept(mut self) {
        self.usage.clear();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        for part in &self.uses.parts {
            lock(part).away = 0;
        }
        for used in self.usage.drain(..) {
            let one = Use {
                last: used.last_used,
                times: used.uses,
            };
            // Its place was not given to another.
            self.uses.part(&used.id).add(&used.id, one);
        }
    }
}

/// What a panic may have left behind is a number that is too small.
fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_noted_before_somebody_hands_it_over() {
        let uses = Uses::default();
        uses.note("one", 1);
        assert!(uses.take().usage().is_empty());
        uses.begin();
        for now in [3, 7, 5] {
            uses.note("one", now);
        }
        let taken = uses.take();
        let one = Usage {
            id: "one".to_owned(),
            last_used: 7,
            uses: 3,
        };
        assert_eq!(taken.usage(), [one]);
        taken.kept();
        assert!(uses.take().usage().is_empty());
    }

    #[test]
    fn what_was_not_kept_goes_back_to_what_came_meanwhile() {
        let uses = Uses::default();
        uses.begin();
        uses.note("one", 1);
        uses.note("two", 1);
        let taken = uses.take();
        uses.note("one", 5);
        drop(taken);
        let mut usage = uses.take().usage().to_vec();
        usage.sort_by(|one, other| one.id.cmp(&other.id));
        let told: Vec<_> = usage.iter().map(|one| (one.last_used, one.uses)).collect();
        assert_eq!(told, [(5, 2), (1, 1)]);
    }

    #[test]
    fn however_many_tokens_are_used_no_more_than_so_many_are_held() {
        let uses = Uses::default();
        uses.begin();
        for number in 0..PARTS * MOST * 2 {
            uses.note(&number.to_string(), 1);
        }
        let taken = uses.take();
        assert_eq!(taken.usage().len(), PARTS * MOST);
        assert_eq!(uses.missed(), (PARTS * MOST) as u64);
        // Those that are away keep their places.
        for number in 0..100 {
            uses.note(&format!("later {number}"), 1);
        }
        drop(taken);
        assert_eq!(uses.take().usage().len(), PARTS * MOST);
        assert_eq!(uses.missed(), (PARTS * MOST + 100) as u64);
    }
}
