//! The errors of the host: each has a stable code, a sentence for people, and never a secret.

use std::path::PathBuf;

use crate::archive_error::ArchiveError;
use crate::store::StoreError;

/// What a host operation can fail with. Every failure is a refusal: nothing is admitted by an error.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The module read the request and refused it.
    #[error("{0}")]
    Refused(#[from] tokenlatch_core::Error),
    /// The module could not be run.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The store refused, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The surroundings of the process gave no usable answer.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The password is too short or too long.
    #[error("a password has 8 to 1,024 bytes")]
    PasswordLength,
    /// The password holds a character that no form can send back.
    #[error("a password must not hold control characters such as tabs and line breaks")]
    PasswordCharacter,
    /// A file of accounts and tokens cannot be used.
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

    /// The sentence for people, without the code.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Error::Refused(error) => error.message.to_string(),
            other => other.to_string(),
        }
    }

    /// The path of the field at fault, when the module named one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Error::Refused(error) => error.field.as_deref(),
            _ => None,
        }
    }
}

/// What a host operation yields.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the module could not be run, or its answer not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The module trapped. The instance is thrown away.
    #[error("the module broke off: {0}")]
    Broken(String),
    /// The module needed more memory than it may have. The instance is thrown away.
    #[error("the module's memory is full")]
    Full,
    /// The module ran longer than allowed. The instance is thrown away.
    #[error("the module took longer than the time limit")]
    Timeout,
    /// The module refused to set the request's bytes aside.
    #[error("the module has no memory for a request of {0} bytes")]
    Memory(usize),
    /// The answer cannot be what the module's interface promises. The instance is thrown away.
    #[error("the module's answer is unusable: {0}")]
    Answer(&'static str),
    /// Every instance is in use, and none came free within the time limit.
    #[error("all instances of the module are in use; try again, or raise the limit on instances")]
    Busy,
    /// The bytes are no module that this host can run.
    #[error("not a Tokenlatch module for this host: {0}")]
    Invalid(String),
    /// The module's file could not be read.
    #[error("cannot read the module `{path}`: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
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

    /// Whether there was no memory for what was asked.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, ModuleError::Full | ModuleError::Memory(_))
    }

    /// Whether the instance in which this happened may serve another call.
    pub(crate) fn leaves_instance_whole(&self) -> bool {
        matches!(self, ModuleError::Memory(_))
    }
}

/// What the surroundings of the process could not give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The system's clock stands before 1970 or past the range of 64 bits.
    #[error("the system's clock gives no usable time; set it and try again")]
    Clock,
    /// The system gave no randomness, so no secret can be made.
    #[error("the system gave no randomness, so no token can be created: {0}")]
    Entropy(String),
    /// The time zone is not in the zone database.
    #[error("the time zone `{0}` is not in the zone database; give an IANA name such as `Europe/Berlin`, or `UTC`")]
    ZoneUnknown(String),
    /// The system does not say which time zone it is in.
    #[error(
        "the system's time zone cannot be found out ({0}); give one by `--time-zone` or TOKENLATCH_TIME_ZONE, for example `UTC`"
    )]
    ZoneUnavailable(String),
    /// The file that tells which table an edge held last cannot be used.
    #[error("the file `{path}`, which tells which snapshot was held last, cannot be used: {reason}")]
    FollowerState {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file of peppers cannot be used.
    #[error("the pepper file `{path}` cannot be used: {reason}")]
    Peppers {
        /// The file.
        path: PathBuf,
        /// Why, without any of its content.
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
