//! Header values, one per line, as `token verify` reads them.

use std::io::{self, BufRead, Read};

use tokenlatch::core::{Authorization, SecretString};
use tokenlatch::without_byte_order_mark;
use zeroize::Zeroizing;

/// The longest part of a line that is used, in bytes. A header of that length is refused anyway.
const MAX_LINE: usize = 64 << 10;

/// Returns the next line without its line end and byte order mark. Invalid UTF-8 is replaced by characters that no header may
/// contain.
pub fn next_header(input: &mut impl BufRead) -> io::Result<Option<Authorization>> {
    let mut line = Zeroizing::new(Vec::with_capacity(1024));
    if input.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() == MAX_LINE {
        skip_line(input)?;
    }
    let text = without_byte_order_mark(&String::from_utf8_lossy(&line)).to_owned();
    Ok(Some(Authorization::One(SecretString::new(text))))
}

/// Skips the rest of a line.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        input.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}
