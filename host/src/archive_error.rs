//! Why a file of accounts and tokens cannot be used.

use std::io;

/// The version of the format.
pub(crate) const FORMAT: u32 = 1;

/// Why a file of accounts and tokens cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file is cut off, has been changed, or is something else.
    #[error("the file is damaged or of another kind (line {line}: {reason}); nothing was read from it")]
    Damaged {
        /// The line, from 1.
        line: u64,
        /// What is wrong, without any of its content.
        reason: &'static str,
    },
    /// The file was written by a newer version.
    #[error("the file has format {0}, this program knows {FORMAT}; use the newer program that wrote it")]
    Newer(u32),
    /// The file is an export, from which nothing can be restored.
    #[error("the file is an export and no backup; `tokenlatch import` reads it")]
    Kind,
    /// The system could not read or write the file.
    #[error("the file cannot be read or written: {0}")]
    System(String),
    /// Tokens would come back, and nobody said what is to become of them.
    #[error(
        "{tokens} live tokens would come back that this database does not know, and some may have been revoked in the {age} \
         since the backup was made; say `--revived=keep` to let them work again, or `--revived=revoke`"
    )]
    Revives {
        /// How many.
        tokens: u64,
        /// How old the backup is, in words.
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
