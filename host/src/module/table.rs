//! The hot path: records loaded into the module once, then asked with strings and numbers only.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tokenlatch_core::{Account, Call, Function, Pepper, Record, TableInput, TableUpdate, Verdict};

use super::Module;
use super::calls::{decode, encode};
use super::judge::{Decision, EncodedCatalogue, Judge};
use super::steps::{placed, steps};
use crate::error::{Error, Result};

/// Tokens held in the memory of an instance of their own, for verification without a store.
///
/// A table that the module broke off in refuses every further question: load it anew. It serves one thread at a time;
/// several threads take a table each, or share one behind a lock.
pub struct Table {
    judge: Judge,
    records: usize,
}

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

impl Table {
    /// Loads records, accounts, peppers and a catalogue into an instance of the module, in as many steps as their size
    /// takes.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when the module refuses a part of the input, [`crate::Error::Module`] when it could
    /// not be run or too many tables are alive.
    pub fn new(module: &Module, input: &TableInput) -> Result<Table> {
        let mut table = Table::without_records(module, input)?;
        table.load("records", &input.records)?;
        Ok(table)
    }

    /// Loads a table as [`Table::new`] does, with as many of the records as its memory holds, the first ones first, and
    /// some room for changes. Returns how many are left out too: they are unknown to it.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn fitting(module: &Module, input: &TableInput) -> Result<(Table, usize)> {
        let mut records = input.records.as_slice();
        loop {
            let mut table = Table::without_records(module, input)?;
            match table.load("records", records) {
                Ok(()) => return Ok((table, input.records.len() - records.len())),
                Err(Error::Module(error)) if error.is_full() => {
                    // What a table holds grows by leaps: room for a quarter more is room for the next one. Where even
                    // the first step had no room, the next one is smaller.
                    let fitting = match table.records {
                        0 => records.len() / 2,
                        held => (held / 4 * 3).min(records.len() / 4 * 3),
                    };
                    records = records
                        .get(..fitting)
                        .filter(|records| !records.is_empty())
                        .ok_or(error)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// An instance with everything but the records.
    fn without_records(module: &Module, input: &TableInput) -> Result<Table> {
        let start = encode(&Start {
            peppers: &input.peppers,
            catalogue: input.catalogue.as_deref(),
        })?;
        let mut instance = module.table_instance()?;
        let loaded: Loaded = decode(&instance.table_new(&start)?)?;
        let mut table = Table {
            judge: Judge::new(instance, loaded.table)?,
            records: loaded.records,
        };
        table.load("accounts", &input.accounts)?;
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

    /// Forgets records by their ids.
    pub(crate) fn forget(&mut self, ids: &[String]) -> Result<()> {
        self.load("removeIds", ids)
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

    /// Decides whether a call may be made: `authorization` is the header's bytes, `now` whole Unix seconds.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] for a call number that was never prepared, [`crate::Error::Module`] when the module
    /// could not be run: then nothing is admitted.
    pub fn verify(&mut self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> Result<Decision> {
        self.judge.verify(call, authorization, address, now)
    }

    /// Spells a decision out: the reason, the refusal to send, and what the owner may know.
    ///
    /// # Errors
    /// As [`Table::prepare`].
    pub fn verdict(&mut self, decision: Decision) -> Result<Verdict> {
        self.judge.verdict(decision)
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
        let answer = self
            .judge
            .with(|instance, handle| instance.table_update(handle, update))?;
        let updated: Updated = decode(&answer)?;
        self.records = updated.records;
        Ok(())
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("records", &self.records)
            .field("broken", &self.judge.is_broken())
            .finish_non_exhaustive()
    }
}
