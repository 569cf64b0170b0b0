//! Snapshots on the plain ABI, which the JavaScript package uses too: what goes in are bytes and numbers.

use serde::Serialize;
use tokenlatch_core::{Error, Snapshot, Value, encode};

use crate::{memory, tables};

/// The answer to a part of a message.
#[derive(Serialize)]
struct Left {
    left: u64,
}

/// Does something with a snapshot and bytes that the host owns.
fn given(
    snapshot: u32,
    range: (u32, u32),
    then: impl FnOnce(&mut Snapshot, &[u8]) -> Result<Value, Error>,
) -> Result<Value, Error> {
    memory::read(range, |bytes| {
        tables::with_snapshot(snapshot, |snapshot| then(snapshot, bytes))
    })
    .ok_or_else(memory::not_owned)?
}

/// Begins to take a message.
pub(crate) fn begin(snapshot: u32, range: (u32, u32), now: i64) -> Result<Value, Error> {
    given(snapshot, range, |snapshot, head| {
        let left = snapshot.begin(head, now)?;
        encode(&Left { left })
    })
}

/// Takes the next bytes of its body.
pub(crate) fn push(snapshot: u32, range: (u32, u32)) -> Result<Value, Error> {
    given(snapshot, range, |snapshot, piece| {
        let left = snapshot.push(piece)?;
        encode(&Left { left })
    })
}

/// Puts it in force.
pub(crate) fn commit(snapshot: u32) -> Result<Value, Error> {
    tables::with_snapshot(snapshot, |snapshot| encode(&snapshot.commit()?))
}

/// Takes a whole message.
pub(crate) fn apply(snapshot: u32, range: (u32, u32), now: i64) -> Result<Value, Error> {
    given(snapshot, range, |snapshot, message| {
        encode(&snapshot.apply(message, now)?)
    })
}

/// Which table is held.
pub(crate) fn state(snapshot: u32) -> Result<Value, Error> {
    tables::with_snapshot(snapshot, |snapshot| encode(&snapshot.state()))
}

/// Verifies requests that stand one after another: the numbers of each, in 8 bytes.
pub(crate) fn verify_many(handle: u32, call: u32, requests: &[u8], now: i64) -> Vec<u8> {
    let mut codes = Vec::new();
    let mut rest = requests;
    while !rest.is_empty() {
        let Some((authorization, address)) = next(&mut rest) else {
            codes.extend(NOT_OWNED.to_le_bytes());
            break;
        };
        let address = Some(address).filter(|address| !address.is_empty());
        codes.extend(tables::verify(handle, call, authorization, address, now).to_le_bytes());
    }
    codes
}

/// The code for memory that the caller doesn't own.
pub(crate) const NOT_OWNED: i64 = -2;

/// Takes one request off: two lengths of 2 bytes, the header, the address.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (header, after) = rest.split_first_chunk()?;
    let (address, after) = after.split_first_chunk()?;
    let length = |bytes: &[u8; 2]| usize::from(u16::from_le_bytes(*bytes));
    let (header, after) = after.split_at_checked(length(header))?;
    let (address, after) = after.split_at_checked(length(address))?;
    *rest = after;
    Some((header, address))
}
