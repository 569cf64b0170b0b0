//! The table that an edge holds: a snapshot with the deltas applied to it.

use alloc::vec::Vec;

use super::digest_index::{DigestIndex, MAX_GRANTS, Row};
use super::fault::{malformed, too_large};
use super::head::{Counts, Head};
use super::interner::Interner;
use super::loading::{Loaded, LoadedRows};
use super::reader::Reader;
use super::sections::{HeldGrant, Sections};
use super::users::{REMOVED, Users};
use crate::account::rights::Rights;
use crate::base::error::Error;
use crate::token::hash::digest::Digest;
use crate::token::name::is_name;
use crate::token::record::is_id;
use crate::verdict::grant::{Grant, Life};
use crate::verdict::judgement::Matched;

/// A whole table.
#[derive(Debug)]
pub(crate) struct HeldTable {
    pub(crate) head: Head,
    rows: DigestIndex,
    users: Users,
    states: Interner<Rights>,
    grants: Interner<HeldGrant>,
    /// With names, the owner of a row is an offset into this text: 4 bytes with the offset of the user, then id and
    /// name as texts.
    names: Option<Vec<u8>>,
}

/// The owner of a token.
pub(crate) struct Owner<'a> {
    pub(crate) user: &'a [u8],
    /// The index of the account state.
    pub(crate) state: u32,
    /// Id and name, if the snapshot has them.
    pub(crate) names: Option<(&'a [u8], &'a [u8])>,
}

impl HeldTable {
    /// Creates the table of a snapshot.
    ///
    /// # Errors
    /// `snapshot_malformed`, `snapshot_too_large`.
    pub(crate) fn new(loaded: Loaded) -> Result<HeldTable, Error> {
        let LoadedRows::Table(mut rows) = loaded.rows else {
            return Err(malformed("rows"));
        };
        let mut names = None;
        if loaded.head.names {
            let section = read_names(&loaded.names, loaded.head.counts.rows).ok_or_else(|| malformed("names"))?;
            let mut text = Vec::new();
            let size = loaded.names.len().checked_add(rows.len().saturating_mul(4));
            let size = size.filter(|size| u32::try_from(*size).is_ok_and(|size| size < u32::MAX));
            size.and_then(|size| text.try_reserve_exact(size).ok())
                .ok_or_else(too_large)?;
            for (row, name) in rows.iter_mut().zip(section) {
                row.set_holder(add_name(&mut text, row.holder(), name));
            }
            names = Some(text);
        }
        let Sections {
            states, users, grants, ..
        } = loaded.sections;
        Ok(HeldTable {
            head: loaded.head,
            rows,
            users,
            states,
            grants,
            names,
        })
    }

    /// Applies a delta that starts from this table. On an error nothing changes.
    ///
    /// # Errors
    /// `snapshot_malformed`, `snapshot_too_large`.
    pub(crate) fn apply(&mut self, delta: Loaded) -> Result<(), Error> {
        let Loaded {
            head,
            sections,
            rows,
            names,
        } = delta;
        let LoadedRows::List(mut rows) = rows else {
            return Err(malformed("rows"));
        };
        if head.counts != Counts::default() {
            if head.names != self.names.is_some() {
                return Err(malformed("names"));
            }
            let section = read_names(&names, if head.names { head.counts.rows } else { 0 });
            let section = section.ok_or_else(|| malformed("names"))?;
            self.make_room(&sections, &rows, names.len()).ok_or_else(too_large)?;
            self.change(&sections, &mut rows, section);
        }
        self.head = head;
        Ok(())
    }

    /// Reserves room, so that nothing can fail later.
    fn make_room(&mut self, sections: &Sections, rows: &[Row], names: usize) -> Option<()> {
        let grants = self.grants.len().checked_add(sections.grants.len())?;
        if grants > MAX_GRANTS {
            return None;
        }
        self.grants.make_room(sections.grants.len())?;
        self.states.make_room(sections.states.len())?;
        self.users.make_room(sections.users.len(), sections.users.bytes())?;
        if let Some(text) = &mut self.names {
            let more = names.checked_add(rows.len().saturating_mul(4))?;
            let end = text.len().checked_add(more)?;
            u32::try_from(end).ok().filter(|end| *end < u32::MAX)?;
            text.try_reserve(more).ok()?;
        }
        self.rows.make_room(rows.len())
    }

    /// Applies the changes, revocations first.
    fn change<'a>(&mut self, sections: &Sections, rows: &mut [Row], names: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
        for digest in &sections.revoked {
            let at = self.rows.find(&Digest::from_bytes(digest));
            if let Some(row) = at.and_then(|at| self.rows.get_mut(at)) {
                row.revoke();
            }
        }
        // A revoked token stays revoked. One whose user is removed only by this delta isn't: a renamed account keeps
        // its tokens.
        for row in rows.iter_mut() {
            let known = self.rows.find(&row.digest()).and_then(|at| self.life(at));
            if known.is_some_and(|life| life.revoked) {
                row.revoke();
            }
        }
        for user in &sections.removed {
            self.users.remove(user);
        }
        let states = self.states.take_over(&sections.states);
        let grants = self.grants.take_over(&sections.grants);
        // Other indices are passed through.
        let state = |at: u32| states.get(at as usize).copied().unwrap_or(at);
        let users = sections.users.iter().map(|(name, at)| (name, state(at)));
        let users = self.users.set_all(users);
        let mut names = names;
        for row in rows {
            let mut row = *row;
            let name = names.next();
            // The ranges were checked when the delta was decoded.
            let (Some(user), Some(grant)) = (users.get(row.holder() as usize), grants.get(row.grant() as usize)) else {
                continue;
            };
            row.set_grant(*grant);
            row.set_holder(match (&mut self.names, name) {
                (Some(text), Some(name)) => add_name(text, *user, name),
                _ => *user,
            });
            self.set(row);
        }
    }

    /// Adds a row, or replaces the one with its digest.
    fn set(&mut self, row: Row) {
        let at = self.rows.find(&row.digest());
        match at.and_then(|at| self.rows.get_mut(at)) {
            Some(known) => *known = row,
            // Room was reserved. If inserting fails anyway, the token is unknown and can't be admitted.
            None => _ = self.rows.insert(row),
        }
    }

    /// The number of rows, revoked ones included.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The memory of the parts that grow with tokens and users, in bytes. It is the same on every platform.
    pub(crate) fn bytes(&self) -> usize {
        let names = self.names.as_ref().map_or(0, Vec::capacity);
        let users = self.users.bytes();
        self.rows.bytes().saturating_add(users).saturating_add(names)
    }

    /// Finds the row of a digest that was computed under the given pepper.
    #[inline]
    pub(crate) fn find(&self, digest: &Digest, pepper: usize) -> Option<u32> {
        let at = self.rows.find(digest)?;
        let grant = self.held_grant(self.rows.get(at)?)?;
        (grant.pepper == pepper).then_some(at)
    }

    #[inline]
    fn held_grant(&self, row: &Row) -> Option<&HeldGrant> {
        self.grants.get(row.grant())
    }

    /// The owner of the token at an index.
    #[inline]
    pub(crate) fn named(&self, at: u32) -> Option<Owner<'_>> {
        let row = self.rows.get(at)?;
        let Some(text) = &self.names else {
            let (user, state) = self.users.get(row.holder())?;
            return Some(Owner {
                user,
                state,
                names: None,
            });
        };
        let mut reader = Reader(text.get(row.holder() as usize..)?);
        let (user, state) = self.users.get(reader.u32()?)?;
        let names = Some((reader.text()?, reader.text()?));
        Some(Owner { user, state, names })
    }

    /// The state of the token at an index. It is revoked too if its user was removed.
    pub(crate) fn life(&self, at: u32) -> Option<Life> {
        let row = self.rows.get(at)?;
        let state = self.named(at)?.state;
        Some(life(row, state))
    }

    /// The digest of the token at an index.
    pub(crate) fn digest(&self, at: u32) -> Option<[u8; 32]> {
        self.rows.get(at).map(|row| row.digest().to_bytes())
    }

    /// The grant of the token at an index, with its number.
    pub(crate) fn grant(&self, at: u32) -> Option<(u32, &Grant)> {
        let row = self.rows.get(at)?;
        Some((row.grant(), &self.held_grant(row)?.grant))
    }

    /// The token at an index, ready to be judged.
    #[inline]
    pub(crate) fn matched(&self, at: u32) -> Option<Matched<'_>> {
        let row = self.rows.get(at)?;
        let named = self.named(at)?;
        Some(Matched {
            life: life(row, named.state),
            grant: &self.held_grant(row)?.grant,
            owner: named.user,
            account: self.states.get(named.state),
        })
    }
}

#[inline]
fn life(row: &Row, state: u32) -> Life {
    let life = row.life();
    Life {
        revoked: life.revoked || state == REMOVED,
        ..life
    }
}

fn add_name(text: &mut Vec<u8>, user: u32, (id, name): (&[u8], &[u8])) -> u32 {
    let at = u32::try_from(text.len()).unwrap_or(u32::MAX);
    text.extend(user.to_le_bytes());
    for part in [id, name] {
        text.push(u8::try_from(part.len()).unwrap_or(0));
        text.extend_from_slice(part);
    }
    at
}

/// The ids and names of `count` rows; `None` if one is invalid.
fn read_names(section: &[u8], count: u32) -> Option<impl Iterator<Item = (&[u8], &[u8])>> {
    let mut reader = Reader(section);
    for _ in 0..count {
        reader.text().filter(|id| is_id(id))?;
        reader.text().filter(|name| is_name(name))?;
    }
    reader.end(())?;
    let mut reader = Reader(section);
    Some(core::iter::from_fn(move || Some((reader.text()?, reader.text()?))))
}
