//! What many tokens or users have in common: each distinct thing once, found by the bytes that it was read from.

use alloc::vec::Vec;

use hashbrown::HashTable;

use crate::hash::Digest;
use crate::table::{Index, key_of};

/// Distinct things, each with an index that it keeps.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    items: Vec<T>,
    /// A number for the bytes of each.
    marks: Vec<u64>,
    /// Indexes by those numbers; made when something is first looked for, so a table that is only loaded goes without.
    index: Index,
}

impl<T> Shared<T> {
    pub(crate) fn new() -> Self {
        Shared {
            items: Vec::new(),
            marks: Vec::new(),
            index: HashTable::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        self.items.get(at as usize)
    }

    /// Adds a thing that was read from these bytes; none when there isn't the memory.
    pub(crate) fn push(&mut self, item: T, bytes: &[u8]) -> Option<()> {
        self.items.try_reserve(1).ok()?;
        self.marks.try_reserve(1).ok()?;
        self.items.push(item);
        self.marks.push(Digest::index_of(bytes));
        Some(())
    }

    /// Sees to it that so many more can be taken over; none when there isn't the memory.
    pub(crate) fn make_room(&mut self, more: usize) -> Option<()> {
        if more == 0 {
            return Some(());
        }
        self.items.try_reserve(more).ok()?;
        self.marks.try_reserve(more).ok()?;
        let known = self.index.len();
        let missing = self.marks.len().saturating_sub(known);
        self.index.try_reserve(missing.checked_add(more)?, key_of).ok()?;
        for (at, mark) in (0_u32..).zip(&self.marks).skip(known) {
            self.index.insert_unique(*mark, (*mark, at), key_of);
        }
        Some(())
    }
}

impl<T: PartialEq + Clone> Shared<T> {
    /// Takes over what isn't there yet, for which there is room; gives the index of each.
    pub(crate) fn take_over(&mut self, fresh: &Shared<T>) -> Vec<u32> {
        let mut places = Vec::new();
        for (item, mark) in fresh.items.iter().zip(&fresh.marks) {
            let items = &self.items;
            let same = |(known, at): &(u64, u32)| known == mark && items.get(*at as usize) == Some(item);
            let at = if let Some((_, at)) = self.index.find(*mark, same) {
                *at
            } else {
                let at = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
                self.items.push(item.clone());
                self.marks.push(*mark);
                self.index.insert_unique(*mark, (*mark, at), key_of);
                at
            };
            places.push(at);
        }
        places
    }
}
