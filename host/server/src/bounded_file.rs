//! Reads configuration files while the server runs.

use std::path::Path;

/// Reads a regular file of at most `limit` bytes. Anything else, such as a pipe, could block the server.
///
/// # Errors
/// Why the file cannot be read, in words that follow a colon.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let size = metadata.len();
    if size > limit {
        return Err(format!("it has {size} bytes, the limit is {limit}"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}
