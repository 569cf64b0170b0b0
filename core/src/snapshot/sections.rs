//! Decodes the sections of a body before its rows.

use alloc::vec::Vec;

use super::fault::{malformed, too_large};
use super::head::Counts;
use super::interner::Interner;
use super::reader::Reader;
use super::users::Users;
use crate::account::rights::Rights;
use crate::base::error::Error;
use crate::base::sort::first_repeat;
use crate::token::access::{Access, Realm};
use crate::token::address::{Block, MAX_ADDRESSES};
use crate::token::feature::{MAX_FEATURES, is_feature};
use crate::token::hash::hasher::Hasher;
use crate::token::hash::pepper::{is_pepper_id, pepper_unknown};
use crate::token::user::is_user;
use crate::verdict::grant::Grant;

/// A grant, and the index of its pepper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldGrant {
    pub(crate) grant: Grant,
    pub(crate) pepper: usize,
}

/// The decoded sections.
#[derive(Debug)]
pub(crate) struct Sections {
    /// Digests of revoked tokens, sorted.
    pub(crate) revoked: Vec<[u8; 32]>,
    /// Removed users, sorted.
    pub(crate) removed: Vec<Vec<u8>>,
    pub(crate) states: Interner<Rights>,
    pub(crate) users: Users,
    pub(crate) grants: Interner<HeldGrant>,
}

impl Sections {
    /// Decodes the sections. The bytes of the users are kept without a copy, because there may be many.
    ///
    /// # Errors
    /// `snapshot_malformed`, `pepper_unknown`.
    pub(crate) fn read(mut bytes: Vec<u8>, counts: &Counts, hasher: &Hasher) -> Result<Sections, Error> {
        let mut reader = Reader(&bytes);
        let mut section = |length: u32, name| reader.take(length as usize).ok_or_else(|| malformed(name));
        let digests = section(counts.revoked.saturating_mul(32), "revoked digests")?;
        let removed = section(counts.removed_bytes, "removed users")?;
        let states = section(counts.states_bytes, "account states")?;
        let users = section(counts.users_bytes, "users")?;
        let grants = section(counts.grants_bytes, "grants")?;

        let revoked = read_revoked(digests).ok_or_else(|| malformed("revoked digests"))?;
        let removed = read_removed(removed, counts.removed).ok_or_else(|| malformed("removed users"))?;
        let states = read_states(states, counts.states).ok_or_else(|| malformed("account states"))?;
        let order = Users::find_all(users, counts.users, states.len()).ok_or_else(|| malformed("users"))?;
        let grants = read_grants(grants, counts.grants, hasher)?;

        let end = bytes.len().saturating_sub(counts.grants_bytes as usize);
        let from = end.saturating_sub(counts.users_bytes as usize);
        bytes.truncate(end);
        bytes.drain(..from);
        let users = Users::new(bytes, order);
        Ok(Sections {
            revoked,
            removed,
            states,
            users,
            grants,
        })
    }
}

fn read_revoked(section: &[u8]) -> Option<Vec<[u8; 32]>> {
    let (digests, _) = section.as_chunks();
    digests.is_sorted_by(|a, b| a < b).then(|| digests.to_vec())
}

fn read_removed(section: &[u8], count: u32) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader(section);
    let mut users: Vec<Vec<u8>> = Vec::new();
    for _ in 0..count {
        let user = reader.text().filter(|user| is_user(user))?;
        if users.last().is_some_and(|last| user <= last.as_slice()) {
            return None;
        }
        users.push(user.to_vec());
    }
    reader.end(users)
}

fn read_states(section: &[u8], count: u32) -> Option<Interner<Rights>> {
    let mut reader = Reader(section);
    let mut states = Interner::new();
    for _ in 0..count {
        let from = reader.0;
        let flags = reader.u8().filter(|flags| *flags < 8)?;
        let features = reader.words(MAX_FEATURES, is_feature)?;
        let every = flags & 2 != 0;
        if (every && !features.is_empty()) || !features.is_sorted_by(|a, b| a < b) {
            return None;
        }
        let rights = Rights {
            suspended: flags & 1 != 0,
            administrator: flags & 4 != 0,
            features: (!every).then_some(features),
        };
        states.push(rights, reader.since(from))?;
    }
    reader.end(states)
}

/// # Errors
/// `snapshot_malformed`, `pepper_unknown`.
fn read_grants(section: &[u8], count: u32, hasher: &Hasher) -> Result<Interner<HeldGrant>, Error> {
    let mut reader = Reader(section);
    let mut grants = Interner::new();
    for _ in 0..count {
        let from = reader.0;
        let (grant, pepper) = read_grant(&mut reader).ok_or_else(|| malformed("grants"))?;
        let pepper = hasher.pepper_index_of(pepper).ok_or_else(|| pepper_unknown(pepper))?;
        let grant = HeldGrant { grant, pepper };
        grants.push(grant, reader.since(from)).ok_or_else(too_large)?;
    }
    reader.end(grants).ok_or_else(|| malformed("grants"))
}

fn read_grant<'a>(reader: &mut Reader<'a>) -> Option<(Grant, &'a str)> {
    let flags = reader.u8().filter(|flags| *flags < 8)?;
    let pepper = reader.word(|id| id.is_empty() || is_pepper_id(id))?;
    let features = reader.words(MAX_FEATURES, is_feature)?;
    if first_repeat(features.len(), &|at| features.get(at).map(|feature| feature.as_str())).is_some() {
        return None;
    }
    let access = match flags & 2 {
        0 if !features.is_empty() => return None,
        0 => Access::Full,
        _ => Access::Limited { features },
    };
    let count = usize::from(reader.u8()?);
    if count > MAX_ADDRESSES {
        return None;
    }
    let mut addresses = Vec::new();
    for _ in 0..count {
        let (family, length) = (reader.u8()?, reader.u8()?);
        let bits = match family {
            4 => u32::from_be_bytes(reader.array()?).into(),
            6 => u128::from_be_bytes(reader.array()?),
            _ => return None,
        };
        addresses.push(Block::new(family == 4, bits, length.into())?);
    }
    let grant = Grant {
        access,
        read_only: flags & 1 != 0,
        addresses,
        realm: if flags & 4 == 0 { Realm::Account } else { Realm::Admin },
    };
    Some((grant, pepper))
}
