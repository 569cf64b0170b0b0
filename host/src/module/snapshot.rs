//! A signed table in an instance of its own: accepts messages in pieces and makes decisions. `SNAPSHOT.md` of the core.

use std::fmt;

use serde::Deserialize;
use tokenlatch_core::{Call, Catalogue, Realm, SnapshotOptions, SnapshotState, Verdict};
use wasmtime::TypedFunc;

use super::Module;
use super::calls::{decode, encode};
use super::handle::{Decision, EncodedCatalogue, Handle};
use crate::error::Result;
use crate::presented::Presented;

/// The size of a piece in bytes, because the module allocates only so much memory at once.
const PIECE: usize = 1 << 20;

/// The functions of the plain ABI that only snapshots have. They share the others with tables.
struct Calls {
    begin: TypedFunc<(u32, u32, u32, i64), u64>,
    push: TypedFunc<(u32, u32, u32), u64>,
    commit: TypedFunc<u32, u64>,
    state: TypedFunc<u32, u64>,
}

/// A table that an origin signed and published, in the memory of an instance of its own.
///
/// A refused message leaves the held table unchanged. After a trap every call fails: create another snapshot.
pub struct Snapshot {
    handle: Handle,
    calls: Calls,
}

#[derive(Deserialize)]
struct Opened {
    table: u32,
}

#[derive(Deserialize)]
struct Remaining {
    left: u64,
}

impl Snapshot {
    /// Creates a snapshot that trusts these keys. It holds no table yet, and refuses everything.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if the module refuses a part of the options, [`crate::Error::Module`] if it could not be
    /// run or too many tables exist.
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
            handle: Handle::new(instance, opened.table)?,
            calls,
        })
    }

    /// Begins a message with its head and signature. Returns how many bytes of body follow. The held table decides until
    /// [`Snapshot::commit`]. `now` is in Unix seconds.
    ///
    /// # Errors
    /// As [`Snapshot::new`]; the codes of `SNAPSHOT.md` for a refused message.
    pub fn begin(&mut self, head: &[u8], now: i64) -> Result<u64> {
        let calls = &self.calls;
        let answer = self.handle.with(|instance, handle| {
            instance.ask(&calls.begin, head, |span| (handle, span.pointer, span.length, now))
        })?;
        decode(&answer).map(|begun: Remaining| begun.left)
    }

    /// Adds the next bytes of the body, any number of them. Returns how many remain.
    ///
    /// # Errors
    /// As [`Snapshot::begin`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<u64> {
        let calls = &self.calls;
        let mut left = 0;
        for piece in bytes.chunks(PIECE) {
            let answer = self.handle.with(|instance, handle| {
                instance.ask(&calls.push, piece, |span| (handle, span.pointer, span.length))
            })?;
            left = decode(&answer).map(|remaining: Remaining| remaining.left)?;
        }
        Ok(left)
    }

    /// Applies the message completely or not at all.
    ///
    /// # Errors
    /// As [`Snapshot::begin`].
    pub fn commit(&mut self) -> Result<SnapshotState> {
        let calls = &self.calls;
        let answer = self
            .handle
            .with(|instance, handle| instance.ask(&calls.commit, &[], |_| handle))?;
        decode(&answer)
    }

    /// Applies a complete message, a snapshot or a delta. `now` is in Unix seconds.
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

    /// Returns the state of the held table; `None` before the first.
    ///
    /// # Errors
    /// [`crate::Error::Module`].
    pub fn state(&mut self) -> Result<Option<SnapshotState>> {
        let calls = &self.calls;
        let answer = self
            .handle
            .with(|instance, handle| instance.ask(&calls.state, &[], |_| handle))?;
        decode(&answer)
    }

    /// Prepares a call, without an address, for [`Snapshot::verify`]. Number 0 is the empty call and needs no preparation.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if the module refuses the call, [`crate::Error::Module`] if it could not be run.
    pub fn prepare(&mut self, call: &Call) -> Result<u32> {
        self.handle.prepare(call)
    }

    /// Returns the call number of a request's method and target, for [`Snapshot::verify`]. It needs no preparation, and is valid
    /// until the catalogue is replaced.
    ///
    /// # Errors
    /// [`crate::Error::Module`] if the module could not be run.
    pub fn route(&mut self, realm: Realm, method: &str, target: &str) -> Result<u32> {
        self.handle.route(realm, method, target)
    }

    /// Returns the number of a call, and prepares the call if needed. Do not mix it with [`Snapshot::prepare`].
    pub(crate) fn number(&mut self, call: &Call) -> Result<u32> {
        self.handle.number(call)
    }

    /// Replaces the catalogue; `None` means the built-in one. Prepared calls are forgotten. On an error the old
    /// one stays.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if the module refuses the catalogue, [`crate::Error::Module`] if it could not be run.
    pub fn set_catalogue(&mut self, catalogue: Option<&Catalogue>) -> Result<()> {
        self.take_catalogue(&EncodedCatalogue::new(catalogue)?)
    }

    /// Replaces the catalogue by an encoded one.
    pub(crate) fn take_catalogue(&mut self, catalogue: &EncodedCatalogue) -> Result<()> {
        self.handle.set_catalogue(catalogue)
    }

    /// Whether the instance failed.
    pub(crate) fn is_broken(&self) -> bool {
        self.handle.is_broken()
    }

    /// Discards the instance, as a trap does.
    #[cfg(test)]
    pub(crate) fn break_instance(&mut self) {
        self.handle.break_instance();
    }

    /// Decides whether a call may be made. `authorization` is the header's bytes; `now` is in Unix seconds.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] for a call number that was never prepared, [`crate::Error::Module`] if the module could not
    /// be run: admit nothing then.
    pub fn verify(&mut self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> Result<Decision> {
        self.verify_presented(call, Presented::One(authorization), address, now)
    }

    /// Decides as [`Snapshot::verify`] does, by whatever a request presents.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn verify_presented(
        &mut self,
        call: u32,
        presented: Presented<'_>,
        address: Option<&[u8]>,
        now: i64,
    ) -> Result<Decision> {
        self.handle.verify(call, presented, address, now)
    }

    /// Returns the verdict of a decision. Call it before the next message is applied.
    ///
    /// # Errors
    /// As [`Snapshot::prepare`].
    pub fn verdict(&mut self, decision: Decision) -> Result<Verdict> {
        self.handle.verdict(decision)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("broken", &self.handle.is_broken())
            .finish_non_exhaustive()
    }
}
