//! The crate's error types: each has a stable code and a readable message, and never contains a secret.

use std::path::PathBuf;

use crate::archive_error::ArchiveError;
use crate::store::StoreError;

/// The error of a host operation. An error never admits a request.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The module read the request and refused it.
    #[error("{0}")]
    Refused(#[from] tokenlatch_core::Error),
    /// The module could not be run.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The store refused the operation, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The clock, the randomness, the time zone or a file of the system is unusable.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The password is too short or too long.
    #[error("a password has 8 to 1,024 bytes")]
    PasswordLength,
    /// The password contains a character that a form cannot submit.
    #[error("a password must not contain control characters such as tabs and line breaks")]
    PasswordCharacter,
    /// An archive of accounts and tokens cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl Error {
    /// The stable code, such as `name_taken` or `module_broken`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Refused(error) => error.code.as_str(),
            Error::Module(error) => error.code(),
            Error::Store(error) => error.code(),
            Error::Environment(error) => error.code(),
            Error::PasswordLength => "password_length",
            Error::PasswordCharacter => "password_character",
            Error::Archive(error) => error.code(),
        }
    }

    /// The message, without the code.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Error::Refused(error) => error.message.to_string(),
            other => other.to_string(),
        }
    }

    /// The path of the invalid field, if the module named one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Error::Refused(error) => error.field.as_deref(),
            _ => None,
        }
    }
}

/// The result of a host operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the module could not be run, or why its answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The module trapped. The instance is discarded.
    #[error("the module trapped: {0}")]
    Broken(String),
    /// The module exceeded its memory limit. The instance is discarded.
    #[error("the module's memory is full")]
    Full,
    /// The module exceeded its time limit. The instance is discarded.
    #[error("the module took longer than the time limit")]
    Timeout,
    /// The module refused to allocate memory for a request of this many bytes.
    #[error("the module cannot allocate {0} bytes for a request")]
    Memory(usize),
    /// The answer violates the module's interface. The instance is discarded.
    #[error("the module's answer is unusable: {0}")]
    Answer(&'static str),
    /// All instances are in use, and none became free within the time limit.
    #[error("all instances of the module are in use; try again, or raise the limit on instances")]
    Busy,
    /// The bytes are not a module that this host can run.
    #[error("not a Tokenlatch module for this host: {0}")]
    Invalid(String),
    /// The module's file could not be read.
    #[error("cannot read the module `{path}`: {reason}")]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The system's error message.
        reason: String,
    },
}

impl ModuleError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ModuleError::Broken(_) => "module_broken",
            ModuleError::Full => "module_full",
            ModuleError::Timeout => "module_timeout",
            ModuleError::Memory(_) => "module_memory",
            ModuleError::Answer(_) => "module_answer",
            ModuleError::Busy => "module_busy",
            ModuleError::Invalid(_) => "module_invalid",
            ModuleError::Unreadable { .. } => "module_unreadable",
        }
    }

    /// Whether memory ran out.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, ModuleError::Full | ModuleError::Memory(_))
    }

    /// Whether the instance can serve another call after this error.
    pub(crate) fn leaves_instance_whole(&self) -> bool {
        matches!(self, ModuleError::Memory(_))
    }
}

/// Why the process's environment could not provide what is needed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The system's clock is before 1970 or beyond the range of 64 bits.
    #[error("the system's clock is invalid; set it and try again")]
    Clock,
    /// The system provided no randomness, so no secret can be made.
    #[error("the system's random generator failed: {0}")]
    Entropy(String),
    /// The time zone is not in the zone database.
    #[error("the time zone `{0}` is not in the zone database; give an IANA name such as `Europe/Berlin`, or `UTC`")]
    ZoneUnknown(String),
    /// The system's time zone cannot be determined.
    #[error(
        "the system's time zone is unknown ({0}); set it by `--time-zone` or TOKENLATCH_TIME_ZONE, for example `UTC`"
    )]
    ZoneUnavailable(String),
    /// The file that records which table an edge held last cannot be used.
    #[error("the file `{path}`, which records the newest snapshot, cannot be used: {reason}")]
    FollowerState {
        /// The path of the file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The pepper file cannot be used.
    #[error("the pepper file `{path}` cannot be used: {reason}")]
    Peppers {
        /// The path of the file.
        path: PathBuf,
        /// The reason, without any of the file's content.
        reason: String,
    },
}

impl EnvironmentError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            EnvironmentError::Clock => "clock_unavailable",
            EnvironmentError::Entropy(_) => "entropy_unavailable",
            EnvironmentError::ZoneUnknown(_) => "zone_unknown",
            EnvironmentError::ZoneUnavailable(_) => "zone_unavailable",
            EnvironmentError::Peppers { .. } => "pepper_file_invalid",
            EnvironmentError::FollowerState { .. } => "follower_state_invalid",
        }
    }
}
