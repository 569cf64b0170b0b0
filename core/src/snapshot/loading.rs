//! A message being loaded: its body is hashed and decoded as it arrives, and replaces nothing yet.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest as _, Sha256};

use super::digest_index::{DigestIndex, Row};
use super::fault::{malformed, too_large};
use super::head::{Head, Kind, ROW_BYTES};
use super::sections::Sections;
use crate::base::error::{Error, ErrorCode};
use crate::token::hash::hasher::Hasher;

/// Rows being loaded: a snapshot's become the table, a delta's are added to one.
#[derive(Debug)]
pub(crate) enum LoadedRows {
    Table(DigestIndex),
    List(Vec<Row>),
}

/// The sections before the rows: at first as bytes, then decoded.
enum Stage {
    Collecting(Vec<u8>),
    Decoded(Box<Sections>, LoadedRows),
}

/// A whole body, decoded, with its digest verified.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) head: Head,
    pub(crate) sections: Sections,
    pub(crate) rows: LoadedRows,
    /// The bytes of the section of names.
    pub(crate) names: Vec<u8>,
}

/// A body being loaded.
pub(crate) struct Loading {
    head: Head,
    hash: Sha256,
    /// The bytes of the body that are missing.
    left: u64,
    start: Stage,
    /// The first bytes of a row that was split between two pieces.
    part: Vec<u8>,
    rows_left: u32,
    last: Option<Row>,
    names: Vec<u8>,
    /// The first error in the body. It counts only if the digest is right.
    fault: Option<Error>,
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Loading {
    /// Prepares to load the body of a head whose signature was verified.
    ///
    /// # Errors
    /// `snapshot_too_large`.
    pub(crate) fn new(head: Head, hasher: &Hasher) -> Result<Self, Error> {
        let room = |bytes: u64| -> Option<Vec<u8>> {
            let mut room = Vec::new();
            room.try_reserve_exact(usize::try_from(bytes).ok()?).ok()?;
            Some(room)
        };
        let sections = room(head.counts.before_rows()).ok_or_else(too_large)?;
        let names = room(head.counts.names_bytes.into()).ok_or_else(too_large)?;
        let mut loading = Loading {
            head,
            hash: Sha256::new(),
            left: head.counts.body(),
            start: Stage::Collecting(sections),
            part: Vec::new(),
            rows_left: head.counts.rows,
            last: None,
            names,
            fault: None,
        };
        loading.feed(&[], hasher)?;
        Ok(loading)
    }

    /// The bytes that are missing.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// `snapshot_malformed` for more bytes than the head states. Other errors are returned by `finish`.
    pub(crate) fn push(&mut self, piece: &[u8], hasher: &Hasher) -> Result<(), Error> {
        let left = self.left.checked_sub(piece.len() as u64);
        self.left = left.ok_or_else(|| malformed("length"))?;
        self.hash.update(piece);
        if self.fault.is_none()
            && let Err(fault) = self.feed(piece, hasher)
        {
            self.fault = Some(fault);
        }
        Ok(())
    }

    /// Returns the whole body, if it is complete and has the signed digest.
    ///
    /// # Errors
    /// `snapshot_malformed`, `snapshot_signature`, `pepper_unknown`, `snapshot_too_large`.
    pub(crate) fn finish(self) -> Result<Loaded, Error> {
        if self.left > 0 {
            return Err(malformed("length"));
        }
        let digest: [u8; 32] = self.hash.finalize().into();
        if digest != self.head.digest {
            return Err(Error::new(
                ErrorCode::SnapshotSignature,
                "the body isn't the one that was signed",
            ));
        }
        match (self.fault, self.start) {
            (Some(fault), _) => Err(fault),
            (None, Stage::Decoded(sections, rows)) => Ok(Loaded {
                head: self.head,
                sections: *sections,
                rows,
                names: self.names,
            }),
            (None, Stage::Collecting(_)) => Err(malformed("length")),
        }
    }

    fn feed(&mut self, mut piece: &[u8], hasher: &Hasher) -> Result<(), Error> {
        if let Stage::Collecting(bytes) = &mut self.start {
            let wanted = usize::try_from(self.head.counts.before_rows()).unwrap_or(usize::MAX);
            let (now, later) = piece
                .split_at_checked(wanted.saturating_sub(bytes.len()))
                .unwrap_or((piece, &[]));
            bytes.extend_from_slice(now);
            piece = later;
            if bytes.len() < wanted {
                return Ok(());
            }
            let sections = Sections::read(core::mem::take(bytes), &self.head.counts, hasher)?;
            let rows = match self.head.kind {
                Kind::Snapshot => {
                    LoadedRows::Table(DigestIndex::with_room(self.rows_left as usize).ok_or_else(too_large)?)
                }
                Kind::Delta => LoadedRows::List(Vec::new()),
            };
            self.start = Stage::Decoded(Box::new(sections), rows);
        }
        while self.rows_left > 0 && !piece.is_empty() {
            if self.part.is_empty()
                && let Some((row, later)) = piece.split_first_chunk()
            {
                piece = later;
                self.row(row)?;
                continue;
            }
            let (now, later) = piece
                .split_at_checked(ROW_BYTES.saturating_sub(self.part.len()))
                .unwrap_or((piece, &[]));
            self.part.extend_from_slice(now);
            piece = later;
            if let Ok(row) = <[u8; ROW_BYTES]>::try_from(self.part.as_slice()) {
                self.part.clear();
                self.row(&row)?;
            }
        }
        self.names.extend_from_slice(piece);
        Ok(())
    }

    fn row(&mut self, bytes: &[u8; ROW_BYTES]) -> Result<(), Error> {
        let Stage::Decoded(sections, rows) = &mut self.start else {
            return Err(malformed("rows"));
        };
        let mut row = Row::read(bytes);
        let rises = self.last.is_none_or(|last| row.follows(&last));
        let user = sections.users.place(row.holder());
        let Some(user) = user.filter(|_| rises && (row.grant() as usize) < sections.grants.len()) else {
            return Err(malformed("rows"));
        };
        self.last = Some(row);
        self.rows_left = self.rows_left.saturating_sub(1);
        let pushed = match rows {
            LoadedRows::Table(rows) => {
                row.set_holder(user);
                rows.push(row)
            }
            LoadedRows::List(rows) => {
                // A revocation in the same delta takes precedence over the row.
                if sections.revoked.binary_search(&row.digest().to_bytes()).is_ok() {
                    row.revoke();
                }
                let room = rows.try_reserve(1).is_ok();
                if room {
                    rows.push(row);
                }
                room
            }
        };
        if pushed { Ok(()) } else { Err(too_large()) }
    }
}
