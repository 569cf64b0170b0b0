//! Small text files that a command is given, which may hold a secret.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

/// The text of a file of at most so many bytes; it may be a pipe. The error says why in words that follow a colon, and
/// holds nothing of the content.
pub fn read_text(path: &Path, most: u32) -> Result<Zeroizing<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(u64::from(most) + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() > most as usize {
        return Err(format!("it is longer than {most} bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "it isn't UTF-8".to_owned())?;
    Ok(Zeroizing::new(without_mark(text).to_owned()))
}

/// A text without the byte order mark that some editors and shells put before it.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
