//! The users of a snapshot, in one text. Rows refer to a user by the offset in it.

use alloc::vec::Vec;

use super::reader::Reader;
use crate::token::user::is_user;

/// The state of a user without a known account.
pub(crate) const UNKNOWN: u32 = u32::MAX;
/// The state of a removed user, whose tokens are revoked for good.
pub(crate) const REMOVED: u32 = u32::MAX - 1;

/// Users in the encoding of a body: 4 bytes with the index of the account state, then the name as a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Users {
    text: Vec<u8>,
    /// The offset of each user, sorted by name, without removed users.
    order: Vec<u32>,
}

impl Users {
    /// Finds the users of a section, in order; `None` if it is malformed.
    pub(crate) fn find_all(section: &[u8], count: u32, states: usize) -> Option<Vec<u32>> {
        let mut reader = Reader(section);
        let mut order = Vec::new();
        order.try_reserve_exact(count as usize).ok()?;
        let mut last: &[u8] = &[];
        for _ in 0..count {
            order.push(u32::try_from(section.len().checked_sub(reader.0.len())?).ok()?);
            let state = reader.u32()?;
            let name = reader.text()?;
            if !is_user(name) || name <= last || (state != UNKNOWN && state as usize >= states) {
                return None;
            }
            last = name;
        }
        reader.end(order)
    }

    /// Creates the users of a section from the offsets that [`Users::find_all`] returned.
    pub(crate) fn new(text: Vec<u8>, order: Vec<u32>) -> Users {
        Users { text, order }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        let order = self.order.capacity().saturating_mul(size_of::<u32>());
        self.text.capacity().saturating_add(order)
    }

    /// The offset of a user, by index.
    pub(crate) fn place(&self, index: u32) -> Option<u32> {
        self.order.get(index as usize).copied()
    }

    /// The name and the account state of the user at an offset.
    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<(&[u8], u32)> {
        let mut reader = Reader(self.text.get(at as usize..)?);
        let state = reader.u32()?;
        Some((reader.text()?, state))
    }

    /// The names and account states of all users, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.order.iter().filter_map(|at| self.get(*at))
    }

    fn search(&self, name: &[u8]) -> Result<usize, usize> {
        self.order
            .binary_search_by(|at| self.get(*at).map_or(&[][..], |(known, _)| known).cmp(name))
    }

    fn set_state(&mut self, at: u32, state: u32) {
        let place = self.text.get_mut(at as usize..).and_then(<[u8]>::first_chunk_mut);
        if let Some(place) = place {
            *place = state.to_le_bytes();
        }
    }

    /// Removes a user. Rows keep the offset and find the user removed.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        if let Ok(index) = self.search(name) {
            let at = self.order.remove(index);
            self.set_state(at, REMOVED);
        }
    }

    /// Reserves room for `users` more users with `bytes` bytes; `None` if there isn't enough memory.
    pub(crate) fn make_room(&mut self, users: usize, bytes: usize) -> Option<()> {
        let end = self.text.len().checked_add(bytes)?;
        // The last offset marks an empty row.
        u32::try_from(end).ok().filter(|end| *end < u32::MAX)?;
        // At least a sixteenth more, so that not every delta moves the text, and not twice the size, as `reserve`
        // would take.
        let share = |length: usize| length / 16;
        self.text.try_reserve_exact(bytes.max(share(self.text.len()))).ok()?;
        self.order.try_reserve_exact(users.max(share(self.order.len()))).ok()
    }

    /// Sets the account states of known users, and adds the others; returns the offset of each. The names must be
    /// sorted.
    pub(crate) fn set_all<'a>(&mut self, users: impl Iterator<Item = (&'a [u8], u32)>) -> Vec<u32> {
        let mut places = Vec::new();
        let mut fresh = Vec::new();
        for (name, state) in users {
            let at = match self.search(name) {
                Ok(index) => {
                    let at = self.order.get(index).copied().unwrap_or(UNKNOWN);
                    self.set_state(at, state);
                    at
                }
                Err(index) => {
                    let at = u32::try_from(self.text.len()).unwrap_or(UNKNOWN);
                    self.text.extend(state.to_le_bytes());
                    self.text.push(u8::try_from(name.len()).unwrap_or(0));
                    self.text.extend_from_slice(name);
                    fresh.push((index, at));
                    at
                }
            };
            places.push(at);
        }
        self.merge(&fresh);
        places
    }

    /// Inserts offsets, each before the index given. It works from the end, so that each offset moves once.
    fn merge(&mut self, fresh: &[(usize, u32)]) {
        let mut from = self.order.len();
        self.order.resize(from.saturating_add(fresh.len()), 0);
        let mut to = self.order.len();
        for (index, at) in fresh.iter().rev() {
            let moved = from.saturating_sub(*index);
            to = to.saturating_sub(moved);
            self.order.copy_within(*index..from, to);
            from = *index;
            to = to.saturating_sub(1);
            if let Some(place) = self.order.get_mut(to) {
                *place = *at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn users_set_in_batches_are_found_by_name_and_index(
            portions in prop::collection::vec(prop::collection::btree_map("[a-d]{1,3}", 0_u32..9, 0..12), 0..6),
        ) {
            let mut users = Users::default();
            let mut model: BTreeMap<String, u32> = BTreeMap::new();
            for portion in &portions {
                let given = portion.iter().map(|(name, state)| (name.as_bytes(), *state));
                let places = users.set_all(given);
                for ((name, state), at) in portion.iter().zip(places) {
                    prop_assert_eq!(users.get(at), Some((name.as_bytes(), *state)));
                }
                model.extend(portion.clone());
                if let Some((gone, _)) = portion.iter().next() {
                    users.remove(gone.as_bytes());
                    model.remove(gone);
                }
                let listed: Vec<_> = users.iter().collect();
                let expected: Vec<_> = model.iter().map(|(name, state)| (name.as_bytes(), *state)).collect();
                prop_assert_eq!(listed, expected);
            }
        }
    }
}
