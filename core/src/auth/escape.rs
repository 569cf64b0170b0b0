//! Percent-encoding (RFC 3986, 2.1).

use alloc::vec::Vec;

use zeroize::Zeroizing;

/// Whether a character never needs an escape (RFC 3986, 2.3).
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Decodes the byte of each `%` in a text; `None` where two hex digits don't follow.
pub(crate) fn escapes(text: &[u8]) -> impl Iterator<Item = Option<u8>> {
    text.split(|byte| *byte == b'%').skip(1).map(escape)
}

pub(crate) fn escape(digits: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let [high, low, ..] = digits else {
        return None;
    };
    let value = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
    u8::try_from(value).ok()
}

/// How many layers of escapes are decoded where servers disagree about them.
const LAYERS: usize = 3;

/// Whether a text matches as it is, or decoded up to three times.
pub(crate) fn in_any_layer(text: &[u8], matches: &dyn Fn(&[u8]) -> bool) -> bool {
    in_layers(text, LAYERS, matches)
}

fn in_layers(text: &[u8], more: usize, matches: &dyn Fn(&[u8]) -> bool) -> bool {
    // The text may hold a secret.
    let decoded = || Zeroizing::new(decode(text));
    matches(text) || (more > 0 && text.contains(&b'%') && in_layers(&decoded(), more.saturating_sub(1), matches))
}

/// Decodes a text once. Malformed escapes are kept.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let value = Some(after).filter(|_| *byte == b'%').and_then(escape);
        decoded.push(value.unwrap_or(*byte));
        rest = match value {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    decoded
}
