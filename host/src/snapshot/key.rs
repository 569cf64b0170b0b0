//! The file of an origin's private key: 64 hex digits, and comments after `#`. Its content is never in an error or a log.

use std::path::{Path, PathBuf};

use tokenlatch_core::{SecretString, SigningKey};
use zeroize::Zeroizing;

use crate::private_file::read_private;

/// The largest key file, in bytes; a key needs far less.
const MAX_BYTES: u64 = 4096;

/// Why a key file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key file `{path}` cannot be used: {reason}")]
pub struct KeyFileError {
    /// The path of the file.
    pub path: PathBuf,
    /// The reason, without any of the file's content.
    pub reason: String,
}

/// Reads the private key with which an origin signs. Refuses a file that other users can access.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_snapshot_key(path: &Path) -> Result<SigningKey, KeyFileError> {
    let fault = |reason: String| KeyFileError {
        path: path.to_owned(),
        reason,
    };
    let text = read_private(path, MAX_BYTES).map_err(&fault)?;
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(fault("it must contain one line of 64 hex digits".to_owned()));
    };
    SigningKey::from_secret_hex(&SecretString::from(line))
        .map_err(|_| fault("it must contain one line of 64 hex digits".to_owned()))
}

/// Returns the content of a key file for a seed of 32 random bytes.
#[must_use]
pub fn key_file_text(seed: &[u8; 32], public_key: &str) -> Zeroizing<String> {
    let hex = Zeroizing::new(crate::hex::hex(seed));
    Zeroizing::new(format!(
        "# The private key of Tokenlatch snapshots. Anyone who has it can admit any request at every edge.\n\
         # Its public key: {public_key}\n{}\n",
        hex.as_str()
    ))
}
