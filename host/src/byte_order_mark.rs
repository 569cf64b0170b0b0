//! The byte order mark at the beginning of a text.

/// Removes the byte order mark that some editors and shells write.
#[must_use]
pub fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
