//! A signed table in an instance of its own: messages go in by pieces, decisions come out. `SNAPSHOT.md` of the core.

use std::fmt;

use serde::Deserialize;
use tokenlatch_core::{Call, Function, SnapshotOptions, SnapshotState, Verdict};
use wasmtime::TypedFunc;

use super::Module;
use super::calls::{decode, encode};
use super::judge::{Decision, EncodedCatalogue, Judge};
use crate::error::Result;

/// Bytes of one piece: the module lends only so much memory at once.
const PIECE: usize = 1 << 20;

/// The functions of the plain ABI that a table doesn't have; the others are its own.
struct Calls {
    begin: TypedFunc<(u32, u32, u32, i64), u64>,
    push: TypedFunc<(u32, u32, u32), u64>,
    commit: TypedFunc<u32, u64>,
    state: TypedFunc<u32, u64>,
}

/// A signed table that an origin published, in the memory of an instance of its own.
///
/// Every refusal of a message leaves what was held. After a trap nothing is decided any more: make another one.
pub struct Snapshot {
    judge: Judge,
    calls: Calls,
}

#[derive(Deserialize)]
struct Opened {
    table: u32,
}

#[derive(Deserialize)]
struct Left {
    left: u64,
}

impl Snapshot {
    /// Makes an instance ready that trusts these keys. It holds no table yet, and refuses everything.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when the module refuses a part of the options, [`crate::Error::Module`] when it could
    /// not be run or too many tables are alive.
    pub fn new(module: &Module, options: &SnapshotOptions) -> Result<Snapshot> {
        let options = encode(options)?;
        let mut instance = module.table_instance()?;
        let new: TypedFunc<(u32, u32), u64> = instance.function("tokenlatch_snapshot_new")?;
        let calls = Calls {
            begin: instance.function("tokenlatch_snapshot_begin")?,
            push: instance.function("tokenlatch_snapshot_push")?,
            commit: instance.function("tokenlatch_snapshot_commit")?,
            state: instance.function("tokenlatch_snapshot_state")?,
        };
        let opened: Opened = decode(&instance.ask(&new, &options, |span| (span.pointer, span.length))?)?;
        Ok(Snapshot {
            judge: Judge::new(instance, opened.table)?,
            calls,
        })
    }

    /// Begins a message with its head and signature, and gives how many bytes of body are to follow. What is held goes
    /// on deciding until [`Snapshot::commit`].
    ///
    /// # Errors
    /// As [`Snapshot::new`]; the codes of `SNAPSHOT.md` for a message that is refused.
    pub fn begin(&mut self, head: &[u8], now: i64) -> Result<u64> {
        let calls = &self.calls;
        let answer = self.judge.with(|instance, handle| {
            instance.ask(&calls.begin, head, |span| (handle, span.pointer, span.length, now))
        })?;
        decode(&answer).map(|begun: Left| begun.left)
    }

    /// Takes the next bytes of the body, any number of them, and gives how many are still to come.
    ///
    /// # Errors
    /// As [`Snapshot::begin`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<u64> {
        let calls = &self.calls;
        let mut left = 0;
        for piece in bytes.chunks(PIECE) {
            let answer = self.judge.with(|instance, handle| {
                instance.ask(&calls.push, piece, |span| (handle, span.pointer, span.length))
            })?;
            left = decode(&answer).map(|told: Left| told.left)?;
        }
        Ok(left)
    }

    /// Puts the message in force, wholly or not at all.
    ///
    /// # Errors
    /// As [`Snapshot::begin`].
    pub fn commit(&mut self) -> Result<SnapshotState> {
        let calls = &self.calls;
        let answer = self
            .judge
            .with(|instance, handle| instance.ask(&calls.commit, &[], |_| handle))?;
        decode(&answer)
    }

    /// Takes a whole message, a snapshot or a delta.
    ///
    /// # Errors
    /// As [`Snapshot::begin`].
    pub fn apply(&mut self, message: &[u8], now: i64) -> Result<SnapshotState> {
        let (head, body) = message
            .split_at_checked(tokenlatch_core::MESSAGE_HEAD_BYTES)
            .unwrap_or((message, &[]));
        self.begin(head, now)?;
        self.push(body)?;
        self.commit()
    }

    /// Which table is held; none before the first.
    ///
    /// # Errors
    /// [`crate::Error::Module`].
    pub fn state(&mut self) -> Result<Option<SnapshotState>> {
        let calls = &self.calls;
        let answer = self
            .judge
            .with(|instance, handle| instance.ask(&calls.state, &[], |_| handle))?;
        decode(&answer)
    }

    /// Prepares a call, without an address, for [`Snapshot::verify`]. The number 0 names nothing and needs no preparing.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when the module refuses the call, [`crate::Error::Module`] when it could not be run.
    pub fn prepare(&mut self, call: &Call) -> Result<u32> {
        self.judge.prepare(call)
    }

    /// The number of a call, prepared where it isn't yet; not to be mixed with numbers that `prepare` gave.
    pub(crate) fn number(&mut self, call: &Call) -> Result<u32> {
        self.judge.number(call)
    }

    /// Replaces the catalogue of functions; `None` is the built-in one. Prepared calls are forgotten. On an error the old one
    /// stays.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when the module refuses the catalogue, [`crate::Error::Module`] when it could not be run.
    pub fn set_catalogue(&mut self, catalogue: Option<&[Function]>) -> Result<()> {
        self.take_catalogue(&EncodedCatalogue::new(catalogue)?)
    }

    /// Replaces the catalogue by one that was encoded before.
    pub(crate) fn take_catalogue(&mut self, catalogue: &EncodedCatalogue) -> Result<()> {
        self.judge.set_catalogue(catalogue)
    }

    /// Whether a trap ended it.
    pub(crate) fn is_broken(&self) -> bool {
        self.judge.is_broken()
    }

    /// Breaks it off, as a trap does.
    #[cfg(test)]
    pub(crate) fn break_off(&mut self) {
        self.judge.break_off();
    }

    /// Decides whether a call may be made: `authorization` is the header's bytes, `now` whole Unix seconds.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] for a call number that was never prepared, [`crate::Error::Module`] when the module
    /// could not be run: then nothing is admitted.
    pub fn verify(&mut self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> Result<Decision> {
        self.judge.verify(call, authorization, address, now)
    }

    /// Spells a decision out, before another message is taken.
    ///
    /// # Errors
    /// As [`Snapshot::prepare`].
    pub fn verdict(&mut self, decision: Decision) -> Result<Verdict> {
        self.judge.verdict(decision)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("broken", &self.judge.is_broken())
            .finish_non_exhaustive()
    }
}
