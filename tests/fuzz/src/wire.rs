//! The body of a snapshot or delta, read as SNAPSHOT.md describes it, and the form in which bodies are mutated.

use std::collections::BTreeSet;

use crate::origin::{HEAD_AND_SIGNATURE, NOW, sign};

/// A message whose sections can be mutated without breaking the lengths in its head.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub delta: bool,
    pub names: bool,
    pub heartbeat: bool,
    /// Revoked digests, removed users, account states, users, grants and rows.
    pub counts: [u8; 6],
    /// The same sections, then names.
    pub sections: [Vec<u8>; 7],
}

impl Parts {
    /// Reads the form that a target mutates: flags, counts, the length of each section but the last in two bytes, sections.
    pub fn read(data: &[u8]) -> Option<Parts> {
        let (flags, rest) = data.split_first()?;
        let (counts, rest) = rest.split_first_chunk::<6>()?;
        let (lengths, mut rest) = rest.split_first_chunk::<12>()?;
        let mut sections = <[Vec<u8>; 7]>::default();
        for (section, length) in sections.iter_mut().zip(lengths.as_chunks::<2>().0) {
            let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
            let (taken, left) = rest.split_at(length);
            *section = taken.to_vec();
            rest = left;
        }
        sections[6] = rest.to_vec();
        Some(Parts {
            delta: flags & 1 != 0,
            names: flags & 2 != 0,
            heartbeat: flags & 4 != 0,
            counts: *counts,
            sections,
        })
    }

    /// Writes that form.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.delta) | u8::from(self.names) << 1 | u8::from(self.heartbeat) << 2];
        out.extend(self.counts);
        for section in &self.sections[..6] {
            out.extend(u16::try_from(section.len()).unwrap_or(u16::MAX).to_le_bytes());
        }
        self.sections.iter().for_each(|section| out.extend(section));
        out
    }

    /// Splits a message; `None` if its counts are too large for a seed.
    pub fn of_message(message: &[u8]) -> Option<Parts> {
        let (head, body) = message.split_at_checked(HEAD_AND_SIGNATURE)?;
        let number = |at: usize| head.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let count = |index: usize| u8::try_from(number(52 + 4 * index)?).ok();
        let counts = [count(0)?, count(1)?, count(2)?, count(3)?, count(4)?, count(5)?];
        let lengths = [
            usize::from(counts[0]) * 32,
            number(76)? as usize,
            number(80)? as usize,
            number(84)? as usize,
            number(88)? as usize,
            usize::from(counts[5]) * 44,
        ];
        let mut sections = <[Vec<u8>; 7]>::default();
        let mut rest = body;
        for (section, length) in sections.iter_mut().zip(lengths) {
            let (taken, left) = rest.split_at_checked(length)?;
            *section = taken.to_vec();
            rest = left;
        }
        sections[6] = rest.to_vec();
        Some(Parts {
            delta: head[5] == 2,
            names: head[6] == 1,
            heartbeat: head[24..32] == head[32..40] && head[5] == 2,
            counts,
            sections,
        })
    }

    /// The message, signed with key 1: version 2, in a delta from version 1.
    pub fn message(&self) -> Vec<u8> {
        let mut out = b"TLSN\x01".to_vec();
        out.push(if self.delta { 2 } else { 1 });
        out.extend(u16::from(self.names).to_le_bytes());
        out.extend([0; 8]);
        let (base, version) = match (self.delta, self.heartbeat) {
            (false, _) => (0, 2),
            (true, false) => (1, 2),
            (true, true) => (1, 1),
        };
        for number in [1, base, version, NOW.unsigned_abs()] {
            out.extend(u64::to_le_bytes(number));
        }
        out.extend(1000_u32.to_le_bytes());
        self.counts
            .iter()
            .for_each(|count| out.extend(u32::from(*count).to_le_bytes()));
        for section in [1, 2, 3, 4, 6] {
            out.extend(
                u32::try_from(self.sections[section].len())
                    .unwrap_or(u32::MAX)
                    .to_le_bytes(),
            );
        }
        out.extend([0; 96]);
        self.sections.iter().for_each(|section| out.extend(section));
        sign(&mut out);
        out
    }

    /// Whether the message follows every rule of the format. `known` are the ids of the peppers, `held` whether the table
    /// held has names.
    pub fn is_sound(&self, known: &[&str], held: bool) -> bool {
        self.sound(known, held).is_some()
    }

    /// The sections as the head divides the body, which may not be as they were put in; `None` if it is cut off or too long.
    fn divided(&self) -> Option<[Vec<u8>; 7]> {
        let body = self.sections.concat();
        let mut rest = body.as_slice();
        let mut lengths = self.sections.each_ref().map(Vec::len);
        lengths[0] = usize::from(self.counts[0]) * 32;
        lengths[5] = usize::from(self.counts[5]) * 44;
        let mut sections = <[Vec<u8>; 7]>::default();
        for (section, length) in sections.iter_mut().zip(lengths) {
            let (taken, left) = rest.split_at_checked(length)?;
            *section = taken.to_vec();
            rest = left;
        }
        yes(rest.is_empty())?;
        Some(sections)
    }

    fn sound(&self, known: &[&str], held: bool) -> Option<()> {
        let [revoked, removed, states, users, grants, rows] = self.counts;
        let sections = self.divided()?;
        let empty = self.counts == [0; 6] && sections.iter().all(Vec::is_empty);
        yes(self.delta || revoked == 0 && removed == 0)?;
        yes(self.names || sections[6].is_empty())?;
        if self.delta && self.heartbeat {
            return yes(empty);
        }
        yes(sections[0].as_chunks::<32>().0.is_sorted_by(|a, b| a < b))?;

        let mut section = Section(&sections[1]);
        let mut last: Vec<u8> = Vec::new();
        for _ in 0..removed {
            let user = section.text(is_user)?;
            yes(user.as_bytes() > last.as_slice())?;
            last = user.into();
        }
        section.end()?;

        let mut section = Section(&sections[2]);
        for _ in 0..states {
            let flags = section.byte()?;
            let features = section.features()?;
            yes(flags < 8 && (flags & 2 == 0 || features.is_empty()) && features.is_sorted_by(|a, b| a < b))?;
        }
        section.end()?;

        let mut section = Section(&sections[3]);
        let mut last: Vec<u8> = Vec::new();
        for _ in 0..users {
            let state = section.u32()?;
            let user = section.text(is_user)?;
            yes((state == u32::MAX || state < states.into()) && user.as_bytes() > last.as_slice())?;
            last = user.into();
        }
        section.end()?;

        let mut section = Section(&sections[4]);
        for _ in 0..grants {
            section.grant(known)?;
        }
        section.end()?;

        let mut last = None;
        for row in sections[5].as_chunks::<44>().0 {
            let (digest, rest) = row.split_first_chunk::<32>()?;
            let (bits, user) = rest.split_first_chunk::<8>()?;
            let grant = u64::from_le_bytes(*bits) >> 40 & 0x7f_ffff;
            let user = u32::from_le_bytes(user.try_into().ok()?);
            yes(last.is_none_or(|last| digest > last) && grant < grants.into() && user < users.into())?;
            last = Some(digest);
        }
        if self.delta && !empty {
            yes(self.names == held)?;
        }
        let mut section = Section(&sections[6]);
        for _ in 0..if self.names { rows } else { 0 } {
            section.text(|id| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()))?;
            section.text(|name| (1..=50).contains(&name.len()) && name.bytes().all(is_word))?;
        }
        section.end()
    }

    /// The digests of the rows, each with whether it is revoked.
    pub fn rows(&self) -> Vec<([u8; 32], bool)> {
        let sections = self.divided().unwrap_or_default();
        let rows = sections[5].as_chunks::<44>().0.iter();
        rows.map(|row| (row.first_chunk().copied().unwrap_or_default(), row[39] & 0x80 != 0))
            .collect()
    }

    /// The digests that a delta revokes.
    pub fn revoked(&self) -> Vec<[u8; 32]> {
        self.divided().unwrap_or_default()[0].as_chunks::<32>().0.to_vec()
    }
}

struct Section<'a>(&'a [u8]);

impl<'a> Section<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn text(&mut self, fits: fn(&str) -> bool) -> Option<&'a str> {
        let length = self.byte()?;
        std::str::from_utf8(self.take(length.into())?)
            .ok()
            .filter(|text| fits(text))
    }

    fn features(&mut self) -> Option<Vec<&'a str>> {
        let count = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        yes(count <= 1000)?;
        (0..count).map(|_| self.text(is_feature)).collect()
    }

    fn grant(&mut self, known: &[&str]) -> Option<()> {
        let flags = self.byte()?;
        let pepper = self.text(|_| true)?;
        let features = self.features()?;
        let distinct: BTreeSet<&&str> = features.iter().collect();
        yes(flags < 8 && (flags & 2 != 0 || features.is_empty()) && distinct.len() == features.len())?;
        yes(pepper.is_empty() || known.contains(&pepper))?;
        let addresses = self.byte()?;
        yes(addresses <= 100)?;
        for _ in 0..addresses {
            let (family, length) = (self.byte()?, u32::from(self.byte()?));
            let (width, bits) = match family {
                4 => (32, u128::from(u32::from_be_bytes(self.take(4)?.try_into().ok()?))),
                6 => (128, u128::from_be_bytes(self.take(16)?.try_into().ok()?)),
                _ => return None,
            };
            let free = u32::checked_sub(width, length)?;
            yes(bits.trailing_zeros() >= free || bits == 0)?;
        }
        Some(())
    }

    fn end(&self) -> Option<()> {
        yes(self.0.is_empty())
    }
}

fn yes(condition: bool) -> Option<()> {
    condition.then_some(())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_user(user: &str) -> bool {
    (1..=64).contains(&user.len()) && user.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'@')
}

fn is_feature(feature: &str) -> bool {
    (1..=64).contains(&feature.len())
        && feature.bytes().all(|byte| is_word(byte) || byte == b'.')
        && feature.as_bytes()[0].is_ascii_alphanumeric()
}
