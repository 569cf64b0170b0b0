//! Snapshots on the plain ABI, which the JavaScript package uses too: what goes in are bytes and numbers.

use serde::Serialize;
use tokenlatch_core::{Error, Snapshot, Value, answer_json, encode};

use crate::{memory, tables};

/// The answer to a part of a message.
#[derive(Serialize)]
struct Left {
    left: u64,
}

/// Does something with a snapshot and bytes that the host owns, and hands the answer out. Not generic: the module has
/// this once, not for each thing done.
fn given(snapshot: u32, range: (u32, u32), then: &mut dyn FnMut(&mut Snapshot, &[u8]) -> Result<Value, Error>) -> u64 {
    let answer = memory::read(range, |bytes| {
        tables::with_snapshot(snapshot, &mut |snapshot| then(snapshot, bytes))
    });
    memory::hand_out(answer_json(answer.unwrap_or_else(|| Err(memory::not_owned()))))
}

/// Begins to take a message.
pub(crate) fn begin(snapshot: u32, range: (u32, u32), now: i64) -> u64 {
    given(snapshot, range, &mut |snapshot, head| {
        let left = snapshot.begin(head, now)?;
        encode(&Left { left })
    })
}

/// Takes the next bytes of its body.
pub(crate) fn push(snapshot: u32, range: (u32, u32)) -> u64 {
    given(snapshot, range, &mut |snapshot, piece| {
        let left = snapshot.push(piece)?;
        encode(&Left { left })
    })
}

/// Puts it in force.
pub(crate) fn commit(snapshot: u32) -> u64 {
    given(snapshot, NOTHING, &mut |snapshot, _| encode(&Some(snapshot.commit()?)))
}

/// Takes a whole message.
pub(crate) fn apply(snapshot: u32, range: (u32, u32), now: i64) -> u64 {
    given(snapshot, range, &mut |snapshot, message| {
        encode(&Some(snapshot.apply(message, now)?))
    })
}

/// Which table is held.
pub(crate) fn state(snapshot: u32) -> u64 {
    given(snapshot, NOTHING, &mut |snapshot, _| encode(&snapshot.state()))
}

/// No bytes.
const NOTHING: (u32, u32) = (0, 0);

/// Verifies many requests: their count in 4 bytes, then the lengths of header and address of each in 2 bytes, then all
/// headers and addresses. Gives the number of each in 8 bytes.
pub(crate) fn verify_many(handle: u32, call: u32, requests: &[u8], now: i64) -> Vec<u8> {
    let mut codes = Vec::new();
    if requests_of(requests, |authorization, address| {
        let address = Some(address).filter(|address| !address.is_empty());
        codes.extend(tables::verify(handle, call, authorization, address, now).to_le_bytes());
    })
    .is_none()
    {
        codes.extend(NOT_OWNED.to_le_bytes());
    }
    codes
}

/// The code for memory that the caller doesn't own.
pub(crate) const NOT_OWNED: i64 = -2;

/// Hands over the requests one by one; none when they are cut off.
fn requests_of(requests: &[u8], mut each: impl FnMut(&[u8], &[u8])) -> Option<()> {
    let (count, rest) = requests.split_first_chunk()?;
    let lengths = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(4)?;
    let (lengths, mut texts) = rest.split_at_checked(lengths)?;
    for lengths in lengths.as_chunks::<4>().0 {
        let [a, b, c, d] = *lengths;
        let (header, rest) = texts.split_at_checked(u16::from_le_bytes([a, b]).into())?;
        let (address, rest) = rest.split_at_checked(u16::from_le_bytes([c, d]).into())?;
        each(header, address);
        texts = rest;
    }
    Some(())
}
