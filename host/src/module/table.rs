//! The hot path: records loaded into the module once, then asked with strings and numbers only.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tokenlatch_core::{
    Account, Call, Error as CoreError, ErrorCode, Function, Pepper, Record, TableInput, TableUpdate, Verdict,
};

use super::Module;
use super::calls::{decode, encode};
use super::instance::{Instance, Span};
use super::steps::{placed, steps};
use crate::error::{ModuleError, Result};

/// Bytes set aside in the module for headers. Longer ones are given memory of their own for the one call.
pub(super) const HEADER_BUFFER: usize = 1024;

/// Bytes set aside in the module for addresses.
pub(super) const ADDRESS_BUFFER: usize = 128;

/// Tokens held in the memory of an instance of their own, for verification without a store.
///
/// A table that the module broke off in refuses every further question: load it anew. It serves one thread at a time;
/// several threads take a table each, or share one behind a lock.
pub struct Table {
    instance: Option<Instance>,
    handle: u32,
    records: usize,
    header: Span,
    address: Span,
}

/// The outcome of [`Table::verify`]: small enough to be made for every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision(i64);

/// What a table starts with; the rest follows in steps.
#[derive(Serialize)]
struct Start<'a> {
    peppers: &'a [Pepper],
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue: Option<&'a [Function]>,
}

#[derive(Deserialize)]
struct Loaded {
    table: u32,
    records: usize,
}

#[derive(Deserialize)]
struct Updated {
    records: usize,
}

#[derive(Deserialize)]
struct Prepared {
    call: u32,
}

impl Table {
    /// Loads records, accounts, peppers and a catalogue into an instance of the module, in as many steps as their size
    /// takes.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when the module refuses a part of the input, [`crate::Error::Module`] when it could
    /// not be run or too many tables are alive.
    pub fn new(module: &Module, input: &TableInput) -> Result<Table> {
        let start = encode(&Start {
            peppers: &input.peppers,
            catalogue: input.catalogue.as_deref(),
        })?;
        let mut instance = module.table_instance()?;
        let loaded: Loaded = decode(&instance.table_new(&start)?)?;
        let header = instance.reserve(HEADER_BUFFER)?;
        let address = instance.reserve(ADDRESS_BUFFER)?;
        let mut table = Table {
            instance: Some(instance),
            handle: loaded.table,
            records: loaded.records,
            header,
            address,
        };
        table.load("accounts", &input.accounts)?;
        table.load("records", &input.records)?;
        Ok(table)
    }

    /// Adds, replaces and removes records and accounts: all of it, or on an error nothing. A revoked record stays
    /// revoked. An update is one request, so a very large one must be made in parts.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn update(&mut self, update: &TableUpdate) -> Result<()> {
        self.change(&encode(update)?)
    }

    /// Adds and replaces accounts and records in as many steps as they take. After an error the table holds a part.
    pub(crate) fn take_over(&mut self, accounts: &[Account], records: &[Record]) -> Result<()> {
        self.load("accounts", accounts)?;
        self.load("records", records)
    }

    /// How many records the table holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records
    }

    /// Whether the table holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Prepares a call, without an address, for [`Table::verify`]. The number 0 names nothing and needs no preparing.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when the module refuses the call, [`crate::Error::Module`] when it could not be run.
    pub fn prepare(&mut self, call: &Call) -> Result<u32> {
        let call = encode(call)?;
        let handle = self.handle;
        let answer = self.with(|instance| instance.table_prepare(handle, &call))?;
        let prepared: Prepared = decode(&answer)?;
        Ok(prepared.call)
    }

    /// Decides whether a call may be made: `authorization` is the header's bytes, `now` whole Unix seconds.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] for a call number that was never prepared, [`crate::Error::Module`] when the module
    /// could not be run: then nothing is admitted.
    pub fn verify(&mut self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> Result<Decision> {
        let (handle, header, place) = (self.handle, self.header, self.address);
        let code = self.with(|instance| {
            let header = Lent::new(instance, header, authorization)?;
            let place = Lent::new(instance, place, address.unwrap_or_default())?;
            let code = instance.table_verify(handle, call, header.span, place.span, now)?;
            header.give_back(instance)?;
            place.give_back(instance)?;
            checked(code)
        })?;
        Decision::of(code, call)
    }

    /// Spells a decision out: the reason, the refusal to send, and what the owner may know.
    ///
    /// # Errors
    /// As [`Table::prepare`].
    pub fn verdict(&mut self, decision: Decision) -> Result<Verdict> {
        let handle = self.handle;
        let answer = self.with(|instance| instance.table_verdict(handle, decision.0))?;
        decode(&answer)
    }

    /// Adds items of one kind, step by step.
    fn load<T: Serialize>(&mut self, key: &str, items: &[T]) -> Result<()> {
        let mut from = 0;
        for step in steps(items)? {
            let update = encode(&BTreeMap::from([(key, step)]))?;
            self.change(&update).map_err(|error| placed(error, key, from))?;
            from += step.len();
        }
        Ok(())
    }

    fn change(&mut self, update: &[u8]) -> Result<()> {
        let handle = self.handle;
        let answer = self.with(|instance| instance.table_update(handle, update))?;
        let updated: Updated = decode(&answer)?;
        self.records = updated.records;
        Ok(())
    }

    /// Runs work in the instance, and throws the instance away when it is no longer sound.
    fn with<T>(&mut self, work: impl FnOnce(&mut Instance) -> Result<T, ModuleError>) -> Result<T, ModuleError> {
        let instance = self
            .instance
            .as_mut()
            .ok_or_else(|| ModuleError::Broken("an earlier call broke this table off; load it anew".to_owned()))?;
        let outcome = work(instance);
        if let Err(error) = &outcome
            && !error.leaves_instance_whole()
        {
            self.instance = None;
        }
        outcome
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("records", &self.records)
            .field("broken", &self.instance.is_none())
            .finish_non_exhaustive()
    }
}

/// A code as the interface has it: one of a decision, or −1.
pub(super) fn checked(code: i64) -> Result<i64, ModuleError> {
    match code {
        -2 => Err(ModuleError::Answer("it does not know the memory it set aside")),
        -1 => Ok(code),
        code if code < 0 => Err(ModuleError::Answer("the code is not one of the interface")),
        code => Ok(code),
    }
}

impl Decision {
    /// What a code says; −1 is no decision.
    pub(super) fn of(code: i64, call: u32) -> Result<Decision> {
        if code == -1 {
            // The table is alive, so it is the call number that the module does not know.
            let message = format!("the call number {call} was never prepared");
            return Err(CoreError::at(ErrorCode::CallUnknown, "call", message).into());
        }
        Ok(Decision(code))
    }

    /// Whether the call is admitted.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        self.reason() == 0
    }

    /// The number of the reason, as the table of reasons in the interface lists them; 0 is `ok`.
    #[must_use]
    pub fn reason(self) -> u32 {
        // Never negative: `verify` makes no decision of a negative code.
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }

    /// The number as it crosses the interface.
    #[must_use]
    pub fn code(self) -> i64 {
        self.0
    }
}

/// Bytes placed in the module for one call: in the buffer, or in memory of their own when they are too long for it.
pub(super) struct Lent {
    pub(super) span: Span,
    own: bool,
}

impl Lent {
    pub(super) fn new(instance: &mut Instance, buffer: Span, bytes: &[u8]) -> Result<Lent, ModuleError> {
        let own = bytes.len() > buffer.length as usize;
        let place = if own { instance.reserve(bytes.len())? } else { buffer };
        instance.write(place, bytes)?;
        // It fits: the place has room for the bytes, and its own length is 32 bits wide.
        let length = u32::try_from(bytes.len()).map_err(|_| ModuleError::Memory(bytes.len()))?;
        let span = Span {
            pointer: place.pointer,
            length,
        };
        Ok(Lent { span, own })
    }

    /// Wipes what was written: a header holds a secret.
    pub(super) fn give_back(self, instance: &mut Instance) -> Result<(), ModuleError> {
        if self.own {
            instance.release(self.span)
        } else {
            instance.wipe(self.span)
        }
    }
}
