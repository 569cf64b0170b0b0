//! The tables and snapshots of both faces, by handle. Handles count from 1 and are never reused.

use std::cell::RefCell;

use serde::Serialize;
use tokenlatch_core::{Error, ErrorCode, Presentation, Realm, Snapshot, TokenTable, Value, encode};

use crate::memory::NOT_OWNED;

/// The answer for an unknown table or call number.
pub(crate) const UNKNOWN: i64 = -1;

/// A table or a snapshot.
enum Judge {
    Table(Box<TokenTable>),
    Snapshot(Box<Snapshot>),
}

#[derive(Default)]
struct Live {
    last: u32,
    /// Sorted by handle, because a new one has the highest.
    judges: Vec<(u32, Judge)>,
}

impl Live {
    fn at(&self, handle: u32) -> Option<usize> {
        self.judges.binary_search_by_key(&handle, |(handle, _)| *handle).ok()
    }

    fn get(&self, handle: u32) -> Option<&Judge> {
        self.judges.get(self.at(handle)?).map(|(_, judge)| judge)
    }
}

thread_local! {
    static LIVE: RefCell<Live> = RefCell::default();
}

/// The answer to a new table or snapshot.
#[derive(Serialize)]
struct Opened {
    table: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<usize>,
}

/// The answer to an update.
#[derive(Serialize)]
struct Updated {
    records: usize,
    /// Codes of admission that are no longer valid, for callers that cache verdicts by code.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Vec<i64>>,
}

/// The answer to a prepared call.
#[derive(Serialize)]
struct Numbered {
    call: u32,
}

fn unknown() -> Error {
    Error::new(ErrorCode::TableUnknown, "there is no table of that handle")
}

fn with<T>(handle: u32, then: impl FnOnce(&mut Judge) -> Result<T, Error>) -> Result<T, Error> {
    LIVE.with_borrow_mut(|live| {
        let at = live.at(handle);
        let (_, judge) = at.and_then(|at| live.judges.get_mut(at)).ok_or_else(unknown)?;
        then(judge)
    })
}

fn add(judge: Judge, records: Option<usize>) -> Result<Value, Error> {
    LIVE.with_borrow_mut(|live| {
        let table = live
            .last
            .checked_add(1)
            .ok_or_else(|| Error::new(ErrorCode::TableUnknown, "every table handle has been used"))?;
        live.last = table;
        live.judges.push((table, judge));
        encode(&Opened { table, records })
    })
}

/// Builds a table. A table that cannot be built uses no handle.
pub(crate) fn open(input: Value) -> Result<Value, Error> {
    let built = TokenTable::from_value(input)?;
    let records = built.len();
    add(Judge::Table(Box::new(built)), Some(records))
}

/// Opens a snapshot, which holds no table yet.
pub(crate) fn open_snapshot(options: Value) -> Result<Value, Error> {
    add(Judge::Snapshot(Box::new(Snapshot::from_value(options)?)), None)
}

/// Changes records and accounts of a table. Returns the codes that are no longer valid only if asked for.
pub(crate) fn update(table: u32, update: Value, tell_lost: bool) -> Result<Value, Error> {
    with(table, |judge| match judge {
        Judge::Table(table) => {
            let lost = table.update_value(update)?;
            encode(&Updated {
                records: table.len(),
                lost: tell_lost.then_some(lost),
            })
        }
        Judge::Snapshot(_) => Err(unknown()),
    })
}

/// Runs an operation on a snapshot. It is not generic, so that the module contains it only once.
pub(crate) fn with_snapshot(
    handle: u32,
    then: &mut dyn FnMut(&mut Snapshot) -> Result<Value, Error>,
) -> Result<Value, Error> {
    with(handle, |judge| match judge {
        Judge::Snapshot(snapshot) => then(snapshot),
        Judge::Table(_) => Err(unknown()),
    })
}

/// Prepares a call and returns its number.
pub(crate) fn prepare(handle: u32, call: Value) -> Result<Value, Error> {
    with(handle, |judge| {
        let call = match judge {
            Judge::Table(table) => table.prepare_value(call),
            Judge::Snapshot(snapshot) => snapshot.prepare_value(call),
        };
        encode(&Numbered { call: call? })
    })
}

/// Returns the call number of a request, given as its method and its target.
pub(crate) fn route(handle: u32, realm: Realm, request: &[u8], method_len: u32) -> i64 {
    let split = request.split_at_checked(usize::try_from(method_len).unwrap_or(usize::MAX));
    let (method, target) = split.unwrap_or((request, &[]));
    with(handle, |judge| {
        Ok(match judge {
            Judge::Table(table) => table.route(realm, method, target),
            Judge::Snapshot(snapshot) => snapshot.route(realm, method, target),
        })
    })
    .map_or(UNKNOWN, i64::from)
}

/// Replaces the catalogue.
pub(crate) fn set_catalogue(handle: u32, request: Value) -> Result<Value, Error> {
    with(handle, |judge| match judge {
        Judge::Table(table) => table.set_catalogue(request),
        Judge::Snapshot(snapshot) => snapshot.set_catalogue(request),
    })
    .map(|()| Value::Object(Vec::new()))
}

/// Forgets the prepared calls. Ignores an unknown handle.
pub(crate) fn forget_calls(handle: u32) {
    LIVE.with_borrow_mut(|live| {
        let at = live.at(handle);
        match at.and_then(|at| live.judges.get_mut(at)) {
            Some((_, Judge::Table(table))) => table.forget_calls(),
            Some((_, Judge::Snapshot(snapshot))) => snapshot.forget_calls(),
            None => {}
        }
    });
}

impl Judge {
    fn accepts_usual(&self) -> bool {
        match self {
            Judge::Table(table) => table.accepts_usual(),
            Judge::Snapshot(snapshot) => snapshot.accepts_usual(),
        }
    }

    fn verify(&self, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> i64 {
        match self {
            Judge::Table(table) => table.verify(call, authorization, address, now),
            Judge::Snapshot(snapshot) => snapshot.verify(call, authorization, address, now),
        }
    }
}

/// Verifies requests, four at a time, and passes on the code of each.
pub(crate) fn verify_all<'r>(
    handle: u32,
    call: u32,
    mut requests: impl Iterator<Item = (&'r [u8], Option<&'r [u8]>)>,
    now: i64,
    mut told: impl FnMut(i64),
) {
    LIVE.with_borrow(|live| {
        let judge = live.get(handle);
        if let Some(judge) = judge.filter(|judge| !judge.accepts_usual()) {
            for (authorization, address) in requests {
                told(judge.verify(call, authorization, address, now));
            }
            return;
        }
        loop {
            // The last batch is filled up with requests without a header, whose codes are dropped.
            let four: [_; 4] = std::array::from_fn(|_| requests.next());
            let headers = four.map(|request| request.map_or(&[][..], |(header, _)| header));
            for (request, presented) in four.iter().zip(&Presentation::read_four(headers)) {
                let Some((_, address)) = request else {
                    return;
                };
                told(match judge {
                    Some(Judge::Table(table)) => table.decide(call, presented, *address, now),
                    Some(Judge::Snapshot(snapshot)) => snapshot.decide(call, presented, *address, now),
                    None => UNKNOWN,
                });
            }
        }
    });
}

/// Verifies one request.
pub(crate) fn verify(handle: u32, call: u32, authorization: &[u8], address: Option<&[u8]>, now: i64) -> i64 {
    LIVE.with_borrow(|live| match live.get(handle) {
        Some(judge) => judge.verify(call, authorization, address, now),
        None => UNKNOWN,
    })
}

/// Verifies the fields of one request, encoded one after the other: the lengths of name and value in 4 bytes each, then the two.
pub(crate) fn verify_fields(handle: u32, call: u32, fields: &[u8], address: Option<&[u8]>, now: i64) -> i64 {
    let Some(fields) = split_fields(fields) else {
        return NOT_OWNED;
    };
    LIVE.with_borrow(|live| match live.get(handle) {
        Some(Judge::Table(table)) => table.verify_fields(call, &fields, address, now),
        Some(Judge::Snapshot(snapshot)) => snapshot.verify_fields(call, &fields, address, now),
        None => UNKNOWN,
    })
}

/// Splits encoded fields; `None` if they are cut off.
fn split_fields(mut rest: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (lengths, after) = rest.split_first_chunk::<8>()?;
        let [a, b, c, d, e, f, g, h] = *lengths;
        let name = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
        let value = usize::try_from(u32::from_le_bytes([e, f, g, h])).ok()?;
        let (name, after) = after.split_at_checked(name)?;
        let (value, after) = after.split_at_checked(value)?;
        fields.push((name, value));
        rest = after;
    }
    Some(fields)
}

/// Returns the verdict of a code of `verify`.
pub(crate) fn verdict(handle: u32, code: i64) -> Result<Value, Error> {
    with(handle, |judge| {
        encode(&match judge {
            Judge::Table(table) => table.verdict(code),
            Judge::Snapshot(snapshot) => snapshot.verdict(code),
        }?)
    })
}

/// Writes the holder of the token that a snapshot's code refers to. Returns the number of bytes written, or 0.
pub(crate) fn holder(handle: u32, code: i64, room: &mut [u8]) -> u32 {
    let mut write = |snapshot: &Snapshot| {
        let holder = snapshot.holder(code)?;
        let texts = [
            holder.user,
            holder.id.unwrap_or_default(),
            holder.name.unwrap_or_default(),
        ];
        let mut left: &mut [u8] = room;
        let mut written = 0_usize;
        let mut put = |bytes: &[u8]| {
            let (place, rest) = core::mem::take(&mut left).split_at_mut_checked(bytes.len())?;
            place.copy_from_slice(bytes);
            left = rest;
            written = written.checked_add(bytes.len())?;
            Some(())
        };
        put(&holder.digest)?;
        put(&holder.expires.unwrap_or(-1).to_le_bytes())?;
        put(&holder.grant.to_le_bytes())?;
        for text in texts {
            put(&[u8::try_from(text.len()).ok()?])?;
            put(text.as_bytes())?;
        }
        u32::try_from(written).ok()
    };
    LIVE.with_borrow(|live| match live.get(handle) {
        Some(Judge::Snapshot(snapshot)) => write(snapshot).unwrap_or(0),
        _ => 0,
    })
}

/// Drops a table or snapshot. Ignores an unknown handle.
pub(crate) fn close(handle: u32) {
    let dropped = LIVE.with_borrow_mut(|live| live.at(handle).map(|at| live.judges.remove(at)));
    drop(dropped);
}
