//! Why an archive of accounts and tokens cannot be used.

use std::io;

/// The version of the archive format.
pub(crate) const FORMAT: u32 = 1;

/// Why an archive of accounts and tokens cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file is truncated, was changed, or is not an archive.
    #[error("the file is damaged or of another kind (line {line}: {reason}); nothing was imported")]
    Damaged {
        /// The line number, from 1.
        line: u64,
        /// What is wrong, without any of the file's content.
        reason: &'static str,
    },
    /// The file was written by a newer version.
    #[error("the file has format {0}, this program knows {FORMAT}; use the newer program that wrote it")]
    Newer(u32),
    /// The file is an export; only a backup can be restored.
    #[error("the file is an export, not a backup; use `tokenlatch import`")]
    Kind,
    /// The file could not be read or written; the system's error message.
    #[error("the file cannot be read or written: {0}")]
    System(String),
    /// Live tokens would come back, and the caller did not choose between keeping and revoking them.
    #[error(
        "{tokens} live tokens of the backup are missing in this database, and some may have been revoked in the {age} \
         since the backup; `--revived=keep` makes them work again, `--revived=revoke` revokes them"
    )]
    Revives {
        /// The number of tokens.
        tokens: u64,
        /// The age of the backup, in words.
        age: String,
    },
}

impl ArchiveError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ArchiveError::Damaged { .. } => "archive_damaged",
            ArchiveError::Newer(_) => "archive_newer",
            ArchiveError::Kind => "archive_kind",
            ArchiveError::System(_) => "archive_failed",
            ArchiveError::Revives { .. } => "restore_revives",
        }
    }
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> ArchiveError {
        ArchiveError::System(error.to_string())
    }
}
