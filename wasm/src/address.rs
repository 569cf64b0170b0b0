//! Addresses of the host's memory. A fuzz target runs the rest of the plain ABI natively, with addresses of its own.

/// Returns the address of bytes; `None` if it does not fit in the ABI's 32 bits.
pub(crate) fn of(bytes: &mut Vec<u8>) -> Option<u32> {
    // Exposes the address: its holder may write there, and the compiler must allow for that.
    u32::try_from(bytes.as_mut_ptr().expose_provenance()).ok()
}
