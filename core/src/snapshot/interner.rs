//! Stores what many tokens or users share once, found by the bytes from which it was decoded.

use alloc::vec::Vec;

use crate::token::hash::digest::Digest;

/// Distinct items, each with a fixed index.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    items: Vec<T>,
    /// A hash of the bytes of each item. Searching these is a hundred times faster than comparing items.
    marks: Vec<u64>,
}

impl<T> Interner<T> {
    pub(crate) fn new() -> Self {
        Interner {
            items: Vec::new(),
            marks: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        self.items.get(at as usize)
    }

    /// Adds an item that was decoded from these bytes; `None` if there isn't enough memory.
    pub(crate) fn push(&mut self, item: T, bytes: &[u8]) -> Option<()> {
        self.make_room(1)?;
        self.items.push(item);
        self.marks.push(Digest::index_of(bytes));
        Some(())
    }

    /// Reserves room for `more` items; `None` if there isn't enough memory.
    pub(crate) fn make_room(&mut self, more: usize) -> Option<()> {
        self.items.try_reserve(more).ok()?;
        self.marks.try_reserve(more).ok()
    }
}

impl<T: PartialEq + Clone> Interner<T> {
    /// Adds the items that are new, for which room was reserved, and returns the index of each.
    pub(crate) fn take_over(&mut self, fresh: &Interner<T>) -> Vec<u32> {
        let place = |(item, mark): (&T, &u64)| {
            let known = self.marks.iter().zip(&self.items);
            let at = { known }.position(|(known, other)| known == mark && other == item);
            let at = at.unwrap_or_else(|| {
                self.items.push(item.clone());
                self.marks.push(*mark);
                self.items.len().saturating_sub(1)
            });
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        fresh.items.iter().zip(&fresh.marks).map(place).collect()
    }
}
