//! The hot path: records are loaded into the module once, then verified with strings and numbers only.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tokenlatch_core::{Account, Call, Catalogue, Pepper, Realm, Record, TableInput, TableUpdate, Verdict};

use super::Module;
use super::calls::{decode, encode};
use super::chunks::{chunks, placed};
use super::handle::{Decision, EncodedCatalogue, Handle};
use crate::error::{Error, Result};
use crate::presented::Presented;

/// Tokens in the memory of an instance of their own, for verification without a store.
///
/// After a trap every call fails: load another table. A table serves one thread at a time; threads use a table each, or
/// share one behind a lock.
pub struct Table {
    handle: Handle,
    records: usize,
}

/// The initial request. The other items follow in chunks.
#[derive(Serialize)]
struct Start<'a> {
    peppers: &'a [Pepper],
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue: Option<&'a Catalogue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<&'a [String]>,
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
    /// Loads records, accounts, peppers, a catalogue and the choice of credentials into an instance of the module, in as many chunks as needed.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if the module refuses a part of the input, [`crate::Error::Module`] if it could not be run
    /// or too many tables exist.
    pub fn new(module: &Module, input: &TableInput) -> Result<Table> {
        let mut table = Table::without_records(module, input)?;
        table.load("records", &input.records)?;
        Ok(table)
    }

    /// Loads a table as [`Table::new`] does, with as many of the first records as fit in its memory, and some memory left for
    /// changes. Also returns how many records were left out; the table does not know them.
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
                    // A table's memory grows in leaps: leaving out a quarter leaves memory for the next leap. If even the first
                    // chunk did not fit, the next attempt uses a smaller one.
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

    /// Creates a table with everything but the records.
    fn without_records(module: &Module, input: &TableInput) -> Result<Table> {
        let start = encode(&Start {
            peppers: &input.peppers,
            catalogue: input.catalogue.as_ref(),
            credentials: input.credentials.as_deref(),
        })?;
        let mut instance = module.table_instance()?;
        let loaded: Loaded = decode(&instance.table_new(&start)?)?;
        let mut table = Table {
            handle: Handle::new(instance, loaded.table)?,
            records: loaded.records,
        };
        table.load("accounts", &input.accounts)?;
        Ok(table)
    }

    /// Adds, replaces and removes records and accounts; on an error nothing is changed. A revoked record stays revoked. An
    /// update is one request, so a very large one must be split.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn update(&mut self, update: &TableUpdate) -> Result<()> {
        self.change(&encode(update)?)
    }

    /// Adds and replaces accounts and records in as many chunks as needed. After an error only a part is applied.
    pub(crate) fn take_over(&mut self, accounts: &[Account], records: &[Record]) -> Result<()> {
        self.load("accounts", accounts)?;
        self.load("records", records)
    }

    /// Removes records by id.
    pub(crate) fn forget(&mut self, ids: &[String]) -> Result<()> {
        self.load("removeIds", ids)
    }

    /// The number of records in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records
    }

    /// Whether the table has no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Prepares a call, without an address, for [`Table::verify`]. Number 0 is the empty call and needs no preparation.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if the module refuses the call, [`crate::Error::Module`] if it could not be run.
    pub fn prepare(&mut self, call: &Call) -> Result<u32> {
        self.handle.prepare(call)
    }

    /// Returns the call number of a request's method and target, for [`Table::verify`]. It needs no preparation, and is valid
    /// until the catalogue is replaced.
    ///
    /// # Errors
    /// [`crate::Error::Module`] if the module could not be run.
    pub fn route(&mut self, realm: Realm, method: &str, target: &str) -> Result<u32> {
        self.handle.route(realm, method, target)
    }

    /// Returns the number of a call, and prepares the call if needed. Do not mix it with [`Table::prepare`].
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

    /// Decides whether a call may be made. `authorization` is the header's bytes; `now` is in Unix seconds.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] for a call number that was never prepared, [`crate::Error::Module`] if the module could not
    /// be run: admit nothing then.
    pub fn verify(&mut self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> Result<Decision> {
        self.verify_presented(call, Presented::One(authorization), address, now)
    }

    /// Decides as [`Table::verify`] does, by whatever a request presents.
    ///
    /// # Errors
    /// As [`Table::verify`].
    pub fn verify_presented(
        &mut self,
        call: u32,
        presented: Presented<'_>,
        address: Option<&[u8]>,
        now: i64,
    ) -> Result<Decision> {
        self.handle.verify(call, presented, address, now)
    }

    /// Returns the verdict of a decision: the reason, the refusal to send, and what the owner may see.
    ///
    /// # Errors
    /// As [`Table::prepare`].
    pub fn verdict(&mut self, decision: Decision) -> Result<Verdict> {
        self.handle.verdict(decision)
    }

    /// Adds items of one kind, in chunks.
    fn load<T: Serialize>(&mut self, key: &str, items: &[T]) -> Result<()> {
        let mut from = 0;
        for chunk in chunks(items)? {
            let update = encode(&BTreeMap::from([(key, chunk)]))?;
            self.change(&update).map_err(|error| placed(error, key, from))?;
            from += chunk.len();
        }
        Ok(())
    }

    fn change(&mut self, update: &[u8]) -> Result<()> {
        let answer = self
            .handle
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
            .field("broken", &self.handle.is_broken())
            .finish_non_exhaustive()
    }
}
