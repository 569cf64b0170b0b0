//! The head of a message: of fixed size and signed. It describes the body before any of it is read.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::fault::malformed;
use super::reader::Reader;
use crate::base::error::Error;
use crate::json::value::MAX_SAFE_INTEGER;
use crate::token::time::is_now;

/// The size of the head, in bytes.
pub(crate) const HEAD_BYTES: usize = 128;
/// The size of the head with its signature, in bytes: what a verifier needs before it accepts a body.
pub const MESSAGE_HEAD_BYTES: usize = 192;
/// The size of a row, in bytes.
pub(crate) const ROW_BYTES: usize = 44;

const MAGIC: [u8; 4] = *b"TLSN";
const FORMAT: u8 = 1;
const NAMES: u16 = 1;

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A whole table.
    Snapshot,
    /// The changes from one version to another.
    Delta,
}

/// The numbers of entries in each section, and the sizes in bytes of sections with entries of variable size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) revoked: u32,
    pub(crate) removed: u32,
    pub(crate) states: u32,
    pub(crate) users: u32,
    pub(crate) grants: u32,
    pub(crate) rows: u32,
    pub(crate) removed_bytes: u32,
    pub(crate) states_bytes: u32,
    pub(crate) users_bytes: u32,
    pub(crate) grants_bytes: u32,
    pub(crate) names_bytes: u32,
}

impl Counts {
    /// The bytes before the rows.
    pub(crate) fn before_rows(&self) -> u64 {
        let texts = [
            self.removed_bytes,
            self.states_bytes,
            self.users_bytes,
            self.grants_bytes,
        ];
        let texts = texts
            .iter()
            .fold(0_u64, |sum, bytes| sum.saturating_add(u64::from(*bytes)));
        texts.saturating_add(u64::from(self.revoked).saturating_mul(32))
    }

    /// The bytes of the body.
    pub(crate) fn body(&self) -> u64 {
        let rows = u64::from(self.rows).saturating_mul(ROW_BYTES as u64);
        let names = u64::from(self.names_bytes);
        self.before_rows().saturating_add(rows).saturating_add(names)
    }
}

/// The head of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) names: bool,
    pub(crate) key_id: [u8; 8],
    pub(crate) epoch: u64,
    pub(crate) base: u64,
    pub(crate) version: u64,
    pub(crate) made: i64,
    pub(crate) max_age: u32,
    pub(crate) counts: Counts,
    /// SHA-256 of the body.
    pub(crate) digest: [u8; 32],
}

impl Head {
    /// Decodes a head; `None` if its format is wrong. [`Head::check`] checks the numbers, after the signature is
    /// verified.
    pub(crate) fn read(bytes: &[u8; HEAD_BYTES]) -> Option<Head> {
        let mut reader = Reader(bytes);
        if reader.array()? != MAGIC || reader.u8()? != FORMAT {
            return None;
        }
        let kind = match reader.u8()? {
            1 => Kind::Snapshot,
            2 => Kind::Delta,
            _ => return None,
        };
        let flags = reader.u16()?;
        if flags & !NAMES != 0 {
            return None;
        }
        Some(Head {
            kind,
            names: flags == NAMES,
            key_id: reader.array()?,
            epoch: reader.u64()?,
            base: reader.u64()?,
            version: reader.u64()?,
            // A number too large for the type is out of range too.
            made: i64::try_from(reader.u64()?).unwrap_or(-1),
            max_age: reader.u32()?,
            counts: Counts {
                revoked: reader.u32()?,
                removed: reader.u32()?,
                states: reader.u32()?,
                users: reader.u32()?,
                grants: reader.u32()?,
                rows: reader.u32()?,
                removed_bytes: reader.u32()?,
                states_bytes: reader.u32()?,
                users_bytes: reader.u32()?,
                grants_bytes: reader.u32()?,
                names_bytes: reader.u32()?,
            },
            digest: reader.array()?,
        })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES);
        out.extend(MAGIC);
        out.extend([FORMAT, if self.kind == Kind::Snapshot { 1 } else { 2 }]);
        out.extend(if self.names { NAMES } else { 0 }.to_le_bytes());
        out.extend(self.key_id);
        for number in [self.epoch, self.base, self.version, self.made.unsigned_abs()] {
            out.extend(number.to_le_bytes());
        }
        let counts = &self.counts;
        for number in [
            self.max_age,
            counts.revoked,
            counts.removed,
            counts.states,
            counts.users,
            counts.grants,
            counts.rows,
            counts.removed_bytes,
            counts.states_bytes,
            counts.users_bytes,
            counts.grants_bytes,
            counts.names_bytes,
        ] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.digest);
        out
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// `snapshot_malformed`.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let most = MAX_SAFE_INTEGER.unsigned_abs();
        let counts = &self.counts;
        let fits = |count: u32, least: u32, bytes: u32| u64::from(count).saturating_mul(least.into()) <= bytes.into();
        let whole = match self.kind {
            Kind::Snapshot => self.base == 0 && counts.revoked == 0 && counts.removed == 0,
            Kind::Delta if self.base == self.version => *counts == Counts::default(),
            Kind::Delta => self.base < self.version,
        };
        let good = whole
            && self.epoch <= most
            && self.version <= most
            && is_now(self.made)
            && self.max_age > 0
            && counts.revoked <= u32::MAX / 32
            && (self.names || counts.names_bytes == 0)
            && fits(counts.removed, 2, counts.removed_bytes)
            && fits(counts.states, 3, counts.states_bytes)
            && fits(counts.users, 6, counts.users_bytes)
            && fits(counts.grants, 5, counts.grants_bytes);
        if good { Ok(()) } else { Err(malformed("head")) }
    }
}

/// What a message says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    /// Whether it is a snapshot or a delta.
    pub kind: Kind,
    /// Whether it has ids and names.
    pub names: bool,
    /// The id of the key that it claims to be signed with, in hex.
    pub key_id: String,
    /// The epoch.
    pub epoch: u64,
    /// The version that a delta starts from.
    pub base: u64,
    /// The version of the table that it leads to.
    pub version: u64,
    /// When it was made, in Unix seconds.
    pub made: i64,
    /// For how many seconds after that it may be used.
    pub max_age: u32,
    /// The number of revoked digests.
    pub revoked: u32,
    /// The number of removed users.
    pub removed_users: u32,
    /// The number of distinct account states.
    pub states: u32,
    /// The number of users.
    pub users: u32,
    /// The number of distinct grants.
    pub grants: u32,
    /// The number of tokens.
    pub rows: u32,
    /// The size of the body, in bytes.
    pub body: u64,
    /// SHA-256 of the body, in hex.
    pub digest: String,
}

/// Whether a body is the one described by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BodyState {
    /// It is.
    Whole,
    /// It is cut off, or too long.
    Cut,
    /// It is another body of the same size.
    Changed,
}

impl Inspected {
    /// Compares the body of the message with its head.
    #[must_use]
    pub fn body_state(&self, message: &[u8]) -> BodyState {
        let body = message.get(MESSAGE_HEAD_BYTES..).unwrap_or_default();
        if body.len() as u64 != self.body || message.len() < MESSAGE_HEAD_BYTES {
            BodyState::Cut
        } else if base16ct::lower::encode_string(&Sha256::digest(body)) == self.digest {
            BodyState::Whole
        } else {
            BodyState::Changed
        }
    }
}

/// Reads what a message says about itself, without verifying its signature or its body.
///
/// # Errors
/// `snapshot_malformed`.
pub fn inspect(message: &[u8]) -> Result<Inspected, Error> {
    let head = message.first_chunk().and_then(Head::read);
    let head = head.ok_or_else(|| malformed("head"))?;
    head.check()?;
    Ok(Inspected {
        kind: head.kind,
        names: head.names,
        key_id: base16ct::lower::encode_string(&head.key_id),
        epoch: head.epoch,
        base: head.base,
        version: head.version,
        made: head.made,
        max_age: head.max_age,
        revoked: head.counts.revoked,
        removed_users: head.counts.removed,
        states: head.counts.states,
        users: head.counts.users,
        grants: head.counts.grants,
        rows: head.counts.rows,
        body: head.counts.body(),
        digest: base16ct::lower::encode_string(&head.digest),
    })
}
