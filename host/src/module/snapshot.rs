//! A signed table in an instance of its own: messages go in by pieces, decisions come out. `SNAPSHOT.md` of the core.

use std::fmt;

use serde::{Deserialize, Serialize};
use tokenlatch_core::{Call, SnapshotOptions, Verdict};
use wasmtime::TypedFunc;

use super::Module;
use super::calls::{decode, encode};
use super::instance::{Instance, Span};
use super::table::{ADDRESS_BUFFER, Decision, HEADER_BUFFER, Lent, checked};
use crate::error::{ModuleError, Result};

/// Bytes of one piece: the module lends only so much memory at once.
const PIECE: usize = 1 << 20;

/// The functions of the plain ABI that a table doesn't have; the others are its own.
struct Calls {
    begin: TypedFunc<(u32, u32, u32, i64), u64>,
    push: TypedFunc<(u32, u32, u32), u64>,
    commit: TypedFunc<u32, u64>,
    state: TypedFunc<u32, u64>,
}

/// Which table is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotState {
    /// The origin's epoch.
    pub epoch: u64,
    /// Its version.
    pub version: u64,
    /// When it was made, in Unix seconds.
    pub made: i64,
    /// For how many seconds after that it may be decided by.
    pub max_age: u32,
    /// Its tokens, revoked ones among them.
    pub tokens: usize,
    /// The memory that it takes.
    pub bytes: usize,
}

/// A signed table that an origin published, in the memory of an instance of its own.
///
/// Every refusal of a message leaves what was held. After a trap nothing is decided any more: make another one.
pub struct Snapshot {
    instance: Option<Instance>,
    calls: Calls,
    handle: u32,
    header: Span,
    address: Span,
}

#[derive(Deserialize)]
struct Opened {
    table: u32,
}

#[derive(Deserialize)]
struct Left {
    left: u64,
}

#[derive(Deserialize)]
struct Prepared {
    call: u32,
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
        let header = instance.reserve(HEADER_BUFFER)?;
        let address = instance.reserve(ADDRESS_BUFFER)?;
        Ok(Snapshot {
            instance: Some(instance),
            calls,
            handle: opened.table,
            header,
            address,
        })
    }

    /// Begins a message with its head and signature, and gives how many bytes of body are to follow. What is held goes
    /// on deciding until [`Snapshot::commit`].
    ///
    /// # Errors
    /// As [`Snapshot::new`]; the codes of `SNAPSHOT.md` for a message that is refused.
    pub fn begin(&mut self, head: &[u8], now: i64) -> Result<u64> {
        let handle = self.handle;
        let answer = self.with(|instance, calls| {
            instance.ask(&calls.begin, head, |span| (handle, span.pointer, span.length, now))
        })?;
        decode(&answer).map(|begun: Left| begun.left)
    }

    /// Takes the next bytes of the body, any number of them, and gives how many are still to come.
    ///
    /// # Errors
    /// As [`Snapshot::begin`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<u64> {
        let handle = self.handle;
        let mut left = 0;
        for piece in bytes.chunks(PIECE) {
            let answer = self
                .with(|instance, calls| instance.ask(&calls.push, piece, |span| (handle, span.pointer, span.length)))?;
            left = decode(&answer).map(|told: Left| told.left)?;
        }
        Ok(left)
    }

    /// Puts the message in force, wholly or not at all.
    ///
    /// # Errors
    /// As [`Snapshot::begin`].
    pub fn commit(&mut self) -> Result<SnapshotState> {
        let handle = self.handle;
        let answer = self.with(|instance, calls| instance.ask(&calls.commit, &[], |_| handle))?;
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
        let handle = self.handle;
        let answer = self.with(|instance, calls| instance.ask(&calls.state, &[], |_| handle))?;
        decode(&answer)
    }

    /// Prepares a call, without an address, for [`Snapshot::verify`]. The number 0 names nothing and needs no preparing.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when the module refuses the call, [`crate::Error::Module`] when it could not be run.
    pub fn prepare(&mut self, call: &Call) -> Result<u32> {
        let call = encode(call)?;
        let handle = self.handle;
        let answer = self.with(|instance, _| instance.table_prepare(handle, &call))?;
        decode(&answer).map(|prepared: Prepared| prepared.call)
    }

    /// Decides whether a call may be made: `authorization` is the header's bytes, `now` whole Unix seconds.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] for a call number that was never prepared, [`crate::Error::Module`] when the module
    /// could not be run: then nothing is admitted.
    pub fn verify(&mut self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> Result<Decision> {
        let (handle, header, place) = (self.handle, self.header, self.address);
        let code = self.with(|instance, _| {
            let header = Lent::new(instance, header, authorization)?;
            let place = Lent::new(instance, place, address.unwrap_or_default())?;
            let code = instance.table_verify(handle, call, header.span, place.span, now)?;
            header.give_back(instance)?;
            place.give_back(instance)?;
            checked(code)
        })?;
        Decision::of(code, call)
    }

    /// Spells a decision out, before another message is taken.
    ///
    /// # Errors
    /// As [`Snapshot::prepare`].
    pub fn verdict(&mut self, decision: Decision) -> Result<Verdict> {
        let handle = self.handle;
        let answer = self.with(|instance, _| instance.table_verdict(handle, decision.code()))?;
        decode(&answer)
    }

    /// Runs work in the instance, and throws the instance away when it is no longer sound.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Instance, &Calls) -> Result<T, ModuleError>,
    ) -> Result<T, ModuleError> {
        let instance = self
            .instance
            .as_mut()
            .ok_or_else(|| ModuleError::Broken("an earlier call broke this snapshot off; load it anew".to_owned()))?;
        let outcome = work(instance, &self.calls);
        if let Err(error) = &outcome
            && !error.leaves_instance_whole()
        {
            self.instance = None;
        }
        outcome
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("broken", &self.instance.is_none())
            .finish_non_exhaustive()
    }
}
