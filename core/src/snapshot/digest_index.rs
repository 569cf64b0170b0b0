//! An index of a snapshot's tokens by digest, in one array.
//!
//! It uses ordered linear probing. Digests are uniform, so a digest's leading bits give the home of its row. The row
//! is there or in one of the next slots: rows are sorted by digest, without empty slots between a row's home and the
//! row. A fifth of the slots is empty, so a search looks at two or three rows, whatever the size.

use alloc::vec::Vec;

use super::head::ROW_BYTES;
use crate::token::hash::digest::Digest;
use crate::verdict::grant::Life;

/// Never, in bits 0–39 of the second part of a row.
const NEVER: u64 = (1 << 40) - 1;
/// The most grants: an index of a grant has 23 bits.
pub(crate) const MAX_GRANTS: usize = 1 << 23;
const REVOKED: u32 = 1 << 31;
/// The owner of an empty row. No text is long enough for an offset of this size.
const NOBODY: u32 = u32::MAX;
/// Slots at the end for rows whose home is the last slot.
const TAIL: usize = 64;

/// A token: eight words of digest; expiry, grant and the mark of a revocation in two words; and the offset of its
/// owner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row([u32; 11]);

impl Row {
    const EMPTY: Row = Row([NOBODY; 11]);

    /// Decodes a row of a body.
    pub(crate) fn read(bytes: &[u8; ROW_BYTES]) -> Row {
        let mut words = [0; 11];
        for (at, (word, chunk)) in words.iter_mut().zip(bytes.as_chunks().0).enumerate() {
            // Digests are sorted by their bytes, so the first byte counts most.
            *word = if at < 8 {
                u32::from_be_bytes(*chunk)
            } else {
                u32::from_le_bytes(*chunk)
            };
        }
        Row(words)
    }

    /// Encodes the second part of a row. An expiry in the past or beyond the year 9999 becomes the nearest that fits.
    pub(crate) fn pack(life: Life, grant: u32) -> u64 {
        let expires = life.expires.map_or(NEVER, |expires| {
            u64::try_from(expires).unwrap_or(0).min(NEVER.saturating_sub(1))
        });
        expires | u64::from(grant) << 40 | u64::from(life.revoked) << 63
    }

    fn words(&self) -> [u32; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::from_words(self.words())
    }

    /// Whether this row's digest is greater than the other's.
    pub(crate) fn follows(&self, other: &Row) -> bool {
        self.words() > other.words()
    }

    fn is_empty(&self) -> bool {
        self.0[10] == NOBODY
    }

    #[inline]
    pub(crate) fn life(&self) -> Life {
        let expires = u64::from(self.0[8]) | u64::from(self.0[9] & 0xff) << 32;
        Life {
            expires: (expires != NEVER).then_some(expires.cast_signed()),
            revoked: self.0[9] & REVOKED != 0,
        }
    }

    #[inline]
    pub(crate) fn grant(&self) -> u32 {
        (self.0[9] & !REVOKED) >> 8
    }

    pub(crate) fn set_grant(&mut self, grant: u32) {
        self.0[9] = self.0[9] & (REVOKED | 0xff) | (grant << 8 & !REVOKED);
    }

    #[inline]
    pub(crate) fn holder(&self) -> u32 {
        self.0[10]
    }

    pub(crate) fn set_holder(&mut self, holder: u32) {
        self.0[10] = holder;
    }

    pub(crate) fn revoke(&mut self) {
        self.0[9] |= REVOKED;
    }
}

/// Rows indexed by digest.
#[derive(Debug)]
pub(crate) struct DigestIndex {
    places: Vec<Row>,
    /// The number of slots that are homes.
    homes: usize,
    len: usize,
    /// The slot after the last row.
    end: usize,
}

impl DigestIndex {
    /// Creates an index with room for `count` rows and a quarter more; `None` if there isn't enough memory.
    pub(crate) fn with_room(count: usize) -> Option<DigestIndex> {
        let homes = count.checked_add(count / 4)?.checked_add(1)?;
        let size = homes.checked_add(TAIL)?;
        let mut places = Vec::new();
        places.try_reserve_exact(size).ok()?;
        places.resize(size, Row::EMPTY);
        Some(DigestIndex {
            places,
            homes,
            len: 0,
            end: 0,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.places.capacity().saturating_mul(ROW_BYTES)
    }

    pub(crate) fn get(&self, at: u32) -> Option<&Row> {
        self.places.get(at as usize).filter(|row| !row.is_empty())
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut Row> {
        self.places.get_mut(at as usize).filter(|row| !row.is_empty())
    }

    /// The rows in order.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.places.iter_mut().filter(|row| !row.is_empty())
    }

    #[inline]
    fn home(&self, first: u32) -> usize {
        (u64::from(first).wrapping_mul(self.homes as u64) >> 32) as usize
    }

    /// Finds the slot of a digest. The whole digest is compared in constant time, but only if the first word is
    /// equal.
    #[inline]
    pub(crate) fn find(&self, digest: &Digest) -> Option<u32> {
        let [first, ..] = digest.words();
        let from = self.home(first);
        for (row, at) in self.places.get(from..)?.iter().zip(from..) {
            if row.is_empty() || row.0[0] > first {
                return None;
            }
            if row.0[0] == first && bool::from(row.digest().same(digest)) {
                return u32::try_from(at).ok();
            }
        }
        None
    }

    /// Appends a row greater than every other. False if there isn't enough memory.
    pub(crate) fn push(&mut self, row: Row) -> bool {
        let at = self.home(row.0[0]).max(self.end);
        self.put(at, row)
    }

    /// Inserts a row whose digest isn't in the index. False if there isn't enough memory.
    pub(crate) fn insert(&mut self, row: Row) -> bool {
        let mut at = self.home(row.0[0]);
        while self
            .places
            .get(at)
            .is_some_and(|other| !other.is_empty() && row.follows(other))
        {
            at = at.saturating_add(1);
        }
        let mut gap = at;
        while self.places.get(gap).is_some_and(|other| !other.is_empty()) {
            gap = gap.saturating_add(1);
        }
        if gap == at {
            return self.put(at, row);
        }
        // The last row of the run moves to the gap, then the others move up by one.
        let last = gap.saturating_sub(1);
        let Some(moved) = self.places.get(last).copied() else {
            return false;
        };
        if !self.put(gap, moved) {
            return false;
        }
        self.places.copy_within(at..last, at.saturating_add(1));
        if let Some(place) = self.places.get_mut(at) {
            *place = row;
        }
        true
    }

    fn put(&mut self, at: usize, row: Row) -> bool {
        let after = at.saturating_add(1);
        if after > self.places.len() {
            let more = after.saturating_sub(self.places.len());
            if self.places.try_reserve_exact(more.max(TAIL)).is_err() {
                return false;
            }
            self.places.resize(after, Row::EMPTY);
        }
        if let Some(place) = self.places.get_mut(at) {
            *place = row;
        }
        self.len = self.len.saturating_add(1);
        self.end = self.end.max(after);
        true
    }

    /// Makes room for `more` rows. If more than nine tenths of the slots would be used, all rows move to a larger
    /// array. `None` if there isn't enough memory; then nothing has changed.
    pub(crate) fn make_room(&mut self, more: usize) -> Option<()> {
        let wanted = self.len.checked_add(more)?;
        if wanted <= self.homes.saturating_sub(self.homes / 10) {
            return Some(());
        }
        let mut larger = DigestIndex::with_room(wanted)?;
        for row in self.places.iter().filter(|row| !row.is_empty()) {
            if !larger.push(*row) {
                return None;
            }
        }
        *self = larger;
        Some(())
    }
}
