//! Small text files that a command is given, which may hold a secret.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
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

/// Puts a file there that only its owner can read, in place of an older one.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
