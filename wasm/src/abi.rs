//! The plain ABI, for hosts without JavaScript. The core describes the operations and their JSON.
//!
//! A host allocates memory, writes a request into it, calls, reads the answer and frees both. An answer is returned as one
//! number, with the address in the high 32 bits and the length in the low; 0 means that memory ran out.
#![expect(
    unsafe_code,
    reason = "an export needs a fixed symbol name, and `no_mangle` counts as unsafe; there is no other unsafe code"
)]
// Safety of every `#[unsafe(no_mangle)]` below: each name starts with `tokenlatch_` and occurs once in this file, and no
// other crate of the module defines a symbol with that prefix. So no two definitions have the same name.

use tokenlatch_core::{Error, Realm, Value, answer_json};

use crate::memory::NOT_OWNED;
use crate::tables::UNKNOWN;
use crate::{memory, snapshots, tables};

/// Returns the version of this interface. It increases when hosts must be changed.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_abi_version() -> u32 {
    tokenlatch_core::ABI_VERSION
}

/// Allocates memory for the host to write into. Returns its address, or 0 if refused: a length of 0, more than 64 MiB held
/// at once, or no memory left.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_alloc(len: u32) -> u32 {
    memory::allocate(len)
}

/// Wipes and frees memory of [`tokenlatch_alloc`] or of an answer. Ignores anything else.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_free(ptr: u32, len: u32) {
    memory::release(ptr, len);
}

/// Answers one request of at most 8 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_call(ptr: u32, len: u32) -> u64 {
    let answer = memory::read((ptr, len), tokenlatch_core::call_json);
    memory::hand_out(answer.unwrap_or_else(|| answer_json(Err(memory::not_owned()))))
}

/// Loads a table.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_new(ptr: u32, len: u32) -> u64 {
    memory::hand_out(answer_json(read(ptr, len).and_then(tables::open)))
}

/// Changes a table.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_update(table: u32, ptr: u32, len: u32) -> u64 {
    memory::hand_out(answer_json(
        read(ptr, len).and_then(|update| tables::update(table, update, false)),
    ))
}

/// Prepares a call in a table and returns its number.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_prepare(table: u32, ptr: u32, len: u32) -> u64 {
    memory::hand_out(answer_json(
        read(ptr, len).and_then(|call| tables::prepare(table, call)),
    ))
}

/// Looks up the route of a request, given as its method, of `method_len` bytes, and its target. `realm` is 0 for the account's, 1 for the
/// administrator's. Returns the call number, −1 for an unknown table or realm, or −2 for memory that the caller does not own.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_route(table: u32, realm: u32, ptr: u32, len: u32, method_len: u32) -> i64 {
    let realm = match realm {
        0 => Realm::Account,
        1 => Realm::Admin,
        _ => return UNKNOWN,
    };
    memory::read((ptr, len), |request| tables::route(table, realm, request, method_len)).unwrap_or(NOT_OWNED)
}

/// Replaces the catalogue of a table or a snapshot. This forgets every prepared call but number 0.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_set_catalogue(table: u32, ptr: u32, len: u32) -> u64 {
    memory::hand_out(answer_json(
        read(ptr, len).and_then(|request| tables::set_catalogue(table, request)),
    ))
}

/// Forgets every prepared call of a table but number 0. Ignores an unknown handle.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_forget_calls(table: u32) {
    tables::forget_calls(table);
}

/// Verifies one header against a table. Returns the code, −1 for an unknown table or call number, or −2 for memory that the
/// caller does not own. An address of length 0 means no address.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_verify(
    table: u32,
    call: u32,
    authorization_ptr: u32,
    authorization_len: u32,
    address_ptr: u32,
    address_len: u32,
    now: i64,
) -> i64 {
    let authorization = (authorization_ptr, authorization_len);
    verify(table, call, authorization, (address_ptr, address_len), now)
}

/// Verifies the header fields of one request, as [`tokenlatch_table_verify`] does: the lengths of name and value in 4 bytes
/// each, then the two, for every field. A list that is cut off is −2.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_verify_fields(
    table: u32,
    call: u32,
    fields_ptr: u32,
    fields_len: u32,
    address_ptr: u32,
    address_len: u32,
    now: i64,
) -> i64 {
    let fields = (fields_ptr, fields_len);
    judge(fields, (address_ptr, address_len), |fields, address| {
        tables::verify_fields(table, call, fields, address, now)
    })
}

/// Returns the verdict of a code of [`tokenlatch_table_verify`].
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_verdict(table: u32, code: i64) -> u64 {
    memory::hand_out(answer_json(tables::verdict(table, code)))
}

/// Drops a table. Ignores an unknown handle.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_table_free(table: u32) {
    tables::close(table);
}

/// Opens a snapshot, which holds no table yet. The functions `tokenlatch_table_…` without a counterpart here work on it too.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_snapshot_new(ptr: u32, len: u32) -> u64 {
    memory::hand_out(answer_json(read(ptr, len).and_then(tables::open_snapshot)))
}

/// Begins a message with its head and signature. `now` is in Unix seconds.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_snapshot_begin(snapshot: u32, ptr: u32, len: u32, now: i64) -> u64 {
    snapshots::begin(snapshot, (ptr, len), now)
}

/// Adds the next bytes of the message's body.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_snapshot_push(snapshot: u32, ptr: u32, len: u32) -> u64 {
    snapshots::push(snapshot, (ptr, len))
}

/// Applies the message.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_snapshot_commit(snapshot: u32) -> u64 {
    snapshots::commit(snapshot)
}

/// Applies a complete message. `now` is in Unix seconds.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_snapshot_apply(snapshot: u32, ptr: u32, len: u32, now: i64) -> u64 {
    snapshots::apply(snapshot, (ptr, len), now)
}

/// Returns the state of the held table.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_snapshot_state(snapshot: u32) -> u64 {
    snapshots::state(snapshot)
}

/// Writes the holder of the token that a code refers to. Returns the number of bytes written, or 0 for a code without a
/// token, too small a buffer, or memory that the caller does not own.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_snapshot_holder(snapshot: u32, code: i64, ptr: u32, len: u32) -> u32 {
    memory::write((ptr, len), |room| tables::holder(snapshot, code, room)).unwrap_or(0)
}

/// Verifies many requests. Returns 8 bytes for the code of each.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlatch_verify_many(table: u32, call: u32, ptr: u32, len: u32, now: i64) -> u64 {
    let codes = memory::read((ptr, len), |requests| {
        snapshots::verify_many(table, call, requests, now)
    });
    memory::hand_out(codes.unwrap_or_else(|| NOT_OWNED.to_le_bytes().into()))
}

/// Verifies the header in one range of memory, and the address in another.
pub(crate) fn verify(table: u32, call: u32, authorization: (u32, u32), address: (u32, u32), now: i64) -> i64 {
    judge(authorization, address, |authorization, address| {
        tables::verify(table, call, authorization, address, now)
    })
}

/// Judges what is in one range of memory, and the address in another.
#[inline]
fn judge(presented: (u32, u32), address: (u32, u32), then: impl Fn(&[u8], Option<&[u8]>) -> i64) -> i64 {
    memory::read(presented, |presented| {
        if address.1 == 0 {
            return then(presented, None);
        }
        memory::read(address, |address| then(presented, Some(address))).unwrap_or(NOT_OWNED)
    })
    .unwrap_or(NOT_OWNED)
}

/// Reads a request.
fn read(ptr: u32, len: u32) -> Result<Value, Error> {
    memory::read((ptr, len), tokenlatch_core::read_json).ok_or_else(memory::not_owned)?
}
