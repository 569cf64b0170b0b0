//! Bytes in hex.

use crate::fault::Fault;

/// Encodes bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes hex.
///
/// # Errors
/// The text is not hex.
pub fn bytes(hex: &str) -> Result<Vec<u8>, Fault> {
    let pair = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).map_err(Fault::during(hex))?;
        u8::from_str_radix(digits, 16).map_err(Fault::during(hex))
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}
