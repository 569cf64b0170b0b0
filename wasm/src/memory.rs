//! The memory that a host of the plain ABI owns inside the module.
//!
//! Every allocation is registered. A pointer is only looked up in the register and never dereferenced, so an invalid pointer or
//! a wrong length finds nothing, and reading what the host wrote needs no `unsafe`.
//!
//! The host writes from outside while no code of the module runs, through the pointer from `Vec::as_mut_ptr`. `Vec` promises
//! that such a pointer stays valid for writing until the array is moved or freed, and no reference into the array is held
//! between two calls.

use std::cell::RefCell;
use std::ops::Range;

use tokenlatch_core::{Error, ErrorCode};
use zeroize::Zeroize;

use crate::address;

/// The code for memory that the caller does not own.
pub(crate) const NOT_OWNED: i64 = -2;

/// The most bytes that a host may hold at once: 64 MiB.
const MAX_HELD: usize = 64 << 20;

/// One live allocation.
struct Live {
    address: u32,
    bytes: Vec<u8>,
}

/// The live allocations, sorted by address. A host holds only a few at a time, so a sorted array suffices.
#[derive(Default)]
struct Register {
    live: Vec<Live>,
    held: usize,
}

thread_local! {
    static REGISTER: RefCell<Register> = RefCell::default();
}

impl Register {
    /// Registers bytes and returns their address; `None` if the address does not fit in the ABI's 32 bits.
    fn insert(&mut self, mut bytes: Vec<u8>) -> Option<u32> {
        let address = address::of(&mut bytes)?;
        self.live.try_reserve(1).ok()?;
        self.held = self.held.saturating_add(bytes.len());
        let at = self.live.partition_point(|live| live.address < address);
        self.live.insert(at, Live { address, bytes });
        Some(address)
    }

    /// Returns the index of the allocation that may contain a range, and the range's offsets in it.
    fn locate(&self, ptr: u32, len: u32) -> Option<(usize, Range<usize>)> {
        let after = self.live.partition_point(|live| live.address <= ptr);
        let at = after.checked_sub(1)?;
        let from = usize::try_from(ptr.checked_sub(self.live.get(at)?.address)?).ok()?;
        let to = from.checked_add(usize::try_from(len).ok()?)?;
        Some((at, from..to))
    }

    /// Returns the bytes of a range inside one live allocation. An empty range is always valid.
    fn range(&self, ptr: u32, len: u32) -> Option<&[u8]> {
        if len == 0 {
            return Some(&[]);
        }
        let (at, range) = self.locate(ptr, len)?;
        self.live.get(at)?.bytes.get(range)
    }
}

/// Allocates `len` zero bytes for the host. Returns their address, or 0 if the length is 0, the host would hold more than
/// 64 MiB, or no memory is left.
pub(crate) fn allocate(len: u32) -> u32 {
    REGISTER
        .with_borrow_mut(|register| {
            let len = usize::try_from(len).ok().filter(|len| *len > 0)?;
            if register.held.checked_add(len)? > MAX_HELD {
                return None;
            }
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(len).ok()?;
            bytes.resize(len, 0);
            register.insert(bytes)
        })
        .unwrap_or(0)
}

/// Wipes and frees bytes. Ignores anything but a live allocation of exactly this length.
pub(crate) fn release(ptr: u32, len: u32) {
    let freed = REGISTER.with_borrow_mut(|register| {
        let at = register.live.binary_search_by_key(&ptr, |live| live.address).ok()?;
        if u32::try_from(register.live.get(at)?.bytes.len()) != Ok(len) {
            return None;
        }
        let freed = register.live.remove(at).bytes;
        register.held = register.held.saturating_sub(freed.len());
        Some(freed)
    });
    if let Some(mut bytes) = freed {
        bytes.zeroize();
    }
}

/// Hands an answer to the host, which must free it. Returns its address in the high half and its length in the low half, or 0
/// if no memory is left to register it.
pub(crate) fn hand_out(answer: Vec<u8>) -> u64 {
    let Ok(len) = u32::try_from(answer.len()) else {
        return 0;
    };
    let address = REGISTER.with_borrow_mut(|register| register.insert(answer));
    address.map_or(0, |address| u64::from(address) << 32 | u64::from(len))
}

/// Reads a range that the host owns; `None` if it does not own it. `then` must not use this memory again.
#[inline]
pub(crate) fn read<T>((ptr, len): (u32, u32), then: impl FnOnce(&[u8]) -> T) -> Option<T> {
    REGISTER.with_borrow(|register| register.range(ptr, len).map(then))
}

/// Writes to a range that the host owns; `None` if it does not own it. `then` must not use this memory again.
#[inline]
pub(crate) fn write<T>((ptr, len): (u32, u32), then: impl FnOnce(&mut [u8]) -> T) -> Option<T> {
    REGISTER.with_borrow_mut(|register| {
        let (at, range) = register.locate(ptr, len)?;
        register.live.get_mut(at)?.bytes.get_mut(range).map(then)
    })
}

/// Returns the error for a range that the host does not own.
pub(crate) fn not_owned() -> Error {
    Error::new(
        ErrorCode::MemoryInvalid,
        "the pointer and length name memory that the caller doesn't own",
    )
}
