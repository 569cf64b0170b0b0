//! What many tokens or users have in common: each distinct thing once, found by the bytes that it was read from.

use alloc::vec::Vec;

use crate::token::hash::digest::Digest;

/// Distinct things, each with an index that it keeps.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    items: Vec<T>,
    /// A number for the bytes of each. Looking through these costs a hundredth of looking through the things.
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

    /// Adds a thing that was read from these bytes; none when there isn't the memory.
    pub(crate) fn push(&mut self, item: T, bytes: &[u8]) -> Option<()> {
        self.make_room(1)?;
        self.items.push(item);
        self.marks.push(Digest::index_of(bytes));
        Some(())
    }

    /// Sees to it that so many more can be taken over; none when there isn't the memory.
    pub(crate) fn make_room(&mut self, more: usize) -> Option<()> {
        self.items.try_reserve(more).ok()?;
        self.marks.try_reserve(more).ok()
    }
}

impl<T: PartialEq + Clone> Interner<T> {
    /// Takes over what isn't there yet, for which there is room; gives the index of each.
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
