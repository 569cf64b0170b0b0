//! Reads `application/x-www-form-urlencoded` strictly: `+` is a space, an escape has two hex digits, and the bytes are UTF-8.

use zeroize::Zeroizing;

/// The keys and values of a text, in order; `None` for a pair that is not percent-encoded UTF-8. Empty pairs are skipped.
pub(crate) fn pairs(text: &[u8]) -> impl Iterator<Item = Option<(String, String)>> {
    let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (key, value) = pair.split_at(end);
        let value = decode(value.strip_prefix(b"=").unwrap_or(value))?;
        Some((decode(key)?, value))
    })
}

fn decode(text: &[u8]) -> Option<String> {
    let spaced = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte });
    let spaced: Zeroizing<Vec<u8>> = Zeroizing::new(spaced.collect());
    let mut escapes = spaced.split(|byte| *byte == b'%');
    escapes.next();
    let sound = escapes.all(|rest| rest.len() >= 2 && rest.iter().take(2).all(u8::is_ascii_hexdigit));
    if !sound {
        return None;
    }
    String::from_utf8(percent_encoding::percent_decode(&spaced).collect()).ok()
}
