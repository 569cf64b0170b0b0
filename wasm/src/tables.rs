//! The tables of both faces, by handle. Handles count from 1 and are never used again.

use std::cell::RefCell;

use serde::Serialize;
use tokenlatch_core::{Error, ErrorCode, TokenTable, Value, encode};

/// The code of `verify` for a table or a call number that isn't known.
pub(crate) const UNKNOWN: i64 = -1;

#[derive(Default)]
struct Tables {
    last: u32,
    /// Rising by handle, for a new table has the highest.
    live: Vec<(u32, TokenTable)>,
}

impl Tables {
    fn at(&self, table: u32) -> Option<usize> {
        self.live.binary_search_by_key(&table, |(handle, _)| *handle).ok()
    }
}

thread_local! {
    static TABLES: RefCell<Tables> = RefCell::default();
}

/// The answer to a new table.
#[derive(Serialize)]
struct Opened {
    table: u32,
    records: usize,
}

/// The answer to an update.
#[derive(Serialize)]
struct Updated {
    records: usize,
}

/// The answer to a prepared call.
#[derive(Serialize)]
struct Numbered {
    call: u32,
}

fn unknown() -> Error {
    Error::new(ErrorCode::TableUnknown, "there is no table of that handle")
}

fn with<T>(table: u32, then: impl FnOnce(&mut TokenTable) -> Result<T, Error>) -> Result<T, Error> {
    TABLES.with_borrow_mut(|tables| {
        let at = tables.at(table);
        let (_, table) = at.and_then(|at| tables.live.get_mut(at)).ok_or_else(unknown)?;
        then(table)
    })
}

/// Builds a table. A table that can't be built takes no handle.
pub(crate) fn open(input: Value) -> Result<Value, Error> {
    let built = TokenTable::from_value(input)?;
    let records = built.len();
    TABLES.with_borrow_mut(|tables| {
        let table = tables
            .last
            .checked_add(1)
            .ok_or_else(|| Error::new(ErrorCode::TableUnknown, "every table handle has been used"))?;
        tables.last = table;
        tables.live.push((table, built));
        encode(&Opened { table, records })
    })
}

/// Changes records and accounts of a table.
pub(crate) fn update(table: u32, update: Value) -> Result<Value, Error> {
    with(table, |table| {
        table.update_value(update)?;
        encode(&Updated { records: table.len() })
    })
}

/// Gives a call its number in a table.
pub(crate) fn prepare(table: u32, call: Value) -> Result<Value, Error> {
    with(table, |table| {
        encode(&Numbered {
            call: table.prepare_value(call)?,
        })
    })
}

/// Verifies one request against a table.
pub(crate) fn verify(table: u32, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> i64 {
    TABLES.with_borrow(|tables| match tables.at(table).and_then(|at| tables.live.get(at)) {
        Some((_, table)) => table.verify(call, authorization, address, now),
        None => UNKNOWN,
    })
}

/// What a code of `verify` means in words.
pub(crate) fn verdict(table: u32, code: i64) -> Result<Value, Error> {
    with(table, |table| encode(&table.verdict(code)?))
}

/// Drops a table; a handle that isn't live is ignored.
pub(crate) fn close(table: u32) {
    let dropped = TABLES.with_borrow_mut(|tables| tables.at(table).map(|at| tables.live.remove(at)));
    drop(dropped);
}
