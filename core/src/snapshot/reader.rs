//! Decodes the parts of a message, one after another. Any bytes may come in.

use alloc::string::String;
use alloc::vec::Vec;

/// The bytes that are left.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Takes a text: its length in one byte, then its bytes.
    pub(crate) fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// Takes a text that a rule allows.
    pub(crate) fn word(&mut self, allowed: fn(&str) -> bool) -> Option<&'a str> {
        core::str::from_utf8(self.text()?).ok().filter(|text| allowed(text))
    }

    /// Takes a list of texts, with its length in two bytes before it.
    pub(crate) fn words(&mut self, most: usize, allowed: fn(&str) -> bool) -> Option<Vec<String>> {
        let count = usize::from(self.u16()?);
        if count > most {
            return None;
        }
        let mut words = Vec::new();
        for _ in 0..count {
            words.push(self.word(allowed)?.into());
        }
        Some(words)
    }

    /// The bytes taken since `left` was what was left.
    pub(crate) fn since(&self, left: &'a [u8]) -> &'a [u8] {
        let taken = left.len().saturating_sub(self.0.len());
        left.get(..taken).unwrap_or(left)
    }

    /// Returns the result of a section if no bytes are left over.
    pub(crate) fn end<T>(&self, read: T) -> Option<T> {
        self.0.is_empty().then_some(read)
    }
}
