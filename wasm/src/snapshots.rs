//! Snapshots on the plain ABI, which the JavaScript package uses too. The input is bytes and numbers.

use serde::Serialize;
use tokenlatch_core::{Error, Snapshot, Value, answer_json, encode};

use crate::memory::NOT_OWNED;
use crate::{memory, tables};

/// The answer to a part of a message: how many bytes of body remain.
#[derive(Serialize)]
struct Left {
    left: u64,
}

/// The operation on a snapshot and bytes.
type Then<'t> = &'t mut dyn FnMut(&mut Snapshot, &[u8]) -> Result<Value, Error>;

/// Runs an operation on a snapshot and bytes that the host owns, and hands out the answer. It is not generic, so that the
/// module contains it only once.
fn given(snapshot: u32, range: (u32, u32), then: Then<'_>) -> u64 {
    let answer = memory::read(range, |bytes| {
        tables::with_snapshot(snapshot, &mut |snapshot| then(snapshot, bytes))
    });
    memory::hand_out(answer_json(answer.unwrap_or_else(|| Err(memory::not_owned()))))
}

/// Begins a message.
pub(crate) fn begin(snapshot: u32, range: (u32, u32), now: i64) -> u64 {
    given(snapshot, range, &mut |snapshot, head| {
        let left = snapshot.begin(head, now)?;
        encode(&Left { left })
    })
}

/// Adds the next bytes of the body.
pub(crate) fn push(snapshot: u32, range: (u32, u32)) -> u64 {
    given(snapshot, range, &mut |snapshot, piece| {
        let left = snapshot.push(piece)?;
        encode(&Left { left })
    })
}

/// Applies the message.
pub(crate) fn commit(snapshot: u32) -> u64 {
    given(snapshot, NOTHING, &mut |snapshot, _| encode(&Some(snapshot.commit()?)))
}

/// Applies a complete message.
pub(crate) fn apply(snapshot: u32, range: (u32, u32), now: i64) -> u64 {
    given(snapshot, range, &mut |snapshot, message| {
        encode(&Some(snapshot.apply(message, now)?))
    })
}

/// Returns the state of the held table.
pub(crate) fn state(snapshot: u32) -> u64 {
    given(snapshot, NOTHING, &mut |snapshot, _| encode(&snapshot.state()))
}

/// An empty range.
const NOTHING: (u32, u32) = (0, 0);

/// Verifies many requests, encoded as their count in 4 bytes, then the lengths of header and address of each in 2 bytes, then
/// all headers and addresses. Returns the code of each in 8 bytes.
pub(crate) fn verify_many(handle: u32, call: u32, requests: &[u8], now: i64) -> Vec<u8> {
    let mut codes = Vec::new();
    let mut cut_off = true;
    if let Some((count, lengths, texts)) = split(requests) {
        let mut texts = texts;
        let requests = lengths.iter().map_while(|lengths| next(lengths, &mut texts));
        tables::verify_all(handle, call, requests, now, |code| codes.extend(code.to_le_bytes()));
        cut_off = codes.len() < count.saturating_mul(8);
    }
    if cut_off {
        codes.extend(NOT_OWNED.to_le_bytes());
    }
    codes
}

/// The number of requests, the lengths of each, and the texts.
type Requests<'r> = (usize, &'r [[u8; 4]], &'r [u8]);

/// Splits off the count and the lengths; `None` if they are truncated.
fn split(requests: &[u8]) -> Option<Requests<'_>> {
    let (count, rest) = requests.split_first_chunk()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let (lengths, texts) = rest.split_at_checked(count.checked_mul(4)?)?;
    Some((count, lengths.as_chunks().0, texts))
}

/// Splits the header and the address of one request off the texts. An address of length 0 means no address.
fn next<'r>([a, b, c, d]: &[u8; 4], texts: &mut &'r [u8]) -> Option<(&'r [u8], Option<&'r [u8]>)> {
    let (header, rest) = texts.split_at_checked(u16::from_le_bytes([*a, *b]).into())?;
    let (address, rest) = rest.split_at_checked(u16::from_le_bytes([*c, *d]).into())?;
    *texts = rest;
    Some((header, Some(address).filter(|address| !address.is_empty())))
}
