//! Files that are read while the server runs.

use std::path::Path;

/// The size of a regular file, in bytes. Anything else, such as a pipe, could block its reader, and with it the server.
///
/// # Errors
/// Why the file cannot be read, in words that follow a colon.
pub(crate) fn size(path: &Path) -> Result<u64, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_file() {
        Ok(metadata.len())
    } else {
        Err("it is no regular file".to_owned())
    }
}
