//! Failures of a command, with their messages and exit codes.

use std::io;
use std::process::ExitCode;

use serde::Serialize;
use tokenlatch::{ArchiveError, EnvironmentError, Error, ModuleError, StoreError};
use tokenlatch_server::ServerError;

/// Why a command failed.
pub enum Failure {
    /// A coded error.
    Coded(Error),
    /// A coded error of the command line itself, with its exit code.
    Own {
        /// The stable code.
        code: &'static str,
        /// The message, without any secret.
        message: String,
        /// The exit code.
        exit: u8,
    },
    /// The server could not start.
    Server(ServerError),
    /// The system failed outside the library.
    System(io::Error),
    /// The reader of the output closed the pipe.
    OutputClosed,
}

#[derive(Serialize)]
pub struct Document<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'static str>,
}

/// The next step to suggest for refusals of the module. Other messages contain it already.
const NEXT: &[(&str, &str)] = &[
    (
        "account_suspended",
        "`tokenlatch account resume NAME` lets it work again",
    ),
    (
        "tokens_disabled",
        "add `apitokens` to the account: `tokenlatch account features NAME --features apitokens,…`",
    ),
    (
        "feature_not_in_account",
        "`tokenlatch account list` shows the account's features",
    ),
    (
        "name_taken",
        "`tokenlatch token list --user NAME` shows the names in use",
    ),
    ("expiry_past", "give a later time, or `never`"),
    (
        "expiry_invalid",
        "give `never`, a date such as 2030-12-31, an RFC 3339 time, or Unix seconds",
    ),
    (
        "address_invalid",
        "give an address such as 192.0.2.7, or a block such as 192.0.2.0/24",
    ),
    (
        "prefix_invalid",
        "give 2 to 16 characters of a-z and 0-9 that start with a letter",
    ),
    (
        "pepper_unknown",
        "put the pepper that the token was made under into the pepper file, after the newest",
    ),
    ("now_invalid", "set the system's clock"),
];

impl Failure {
    /// Wraps an I/O error of the system.
    pub fn system(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::OutputClosed
        } else {
            Failure::System(error)
        }
    }

    /// Creates an error for a wrong command line, with exit code 2.
    pub fn usage(code: &'static str, message: impl Into<String>) -> Failure {
        Failure::Own {
            code,
            message: message.into(),
            exit: 2,
        }
    }

    /// Returns the message; `None` if the output is closed.
    pub fn sentence(&self) -> Option<String> {
        Some(match self {
            Failure::Coded(error) => error.message(),
            Failure::Own { message, .. } => message.clone(),
            Failure::Server(error) => error.to_string(),
            Failure::System(error) => error.to_string(),
            Failure::OutputClosed => return None,
        })
    }

    /// Passes the document, the message, the code and the next step to `print`, and returns the exit code.
    pub fn report(&self, print: impl FnOnce(&Document<'_>, &str, &str, Option<&str>)) -> ExitCode {
        let Some(message) = self.sentence() else {
            // The shell's exit code for a program killed by SIGPIPE: 128 + 13.
            return ExitCode::from(141);
        };
        let (code, field) = match self {
            Failure::Coded(error) => (error.code(), error.field()),
            Failure::Own { code, .. } => (*code, None),
            Failure::Server(error) => (error.code(), None),
            _ => ("system_failed", None),
        };
        let next = match self {
            Failure::Server(error) => error.next(),
            _ => NEXT.iter().find(|(named, _)| *named == code).map(|(_, next)| *next),
        };
        let body = Body {
            code,
            message: &message,
            field,
            next,
        };
        print(&Document { error: body }, &message, code, next);
        self.exit_code()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Own { exit, .. } => *exit,
            Failure::Coded(Error::Archive(ArchiveError::Revives { .. })) => 2,
            Failure::Coded(Error::Refused(_) | Error::PasswordLength | Error::PasswordCharacter) => 1,
            Failure::Coded(Error::Archive(error)) if !matches!(error, ArchiveError::System(_)) => 1,
            Failure::Coded(Error::Store(error)) if error.is_refusal() => 1,
            Failure::Coded(Error::Store(_)) => 3,
            Failure::Coded(Error::Module(_)) => 4,
            Failure::Server(error) if error.is_misuse() => 2,
            _ => 5,
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Coded(error)
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Failure {
        match error {
            ServerError::Host(error) => Failure::Coded(error),
            error => Failure::Server(error),
        }
    }
}

impl From<ModuleError> for Failure {
    fn from(error: ModuleError) -> Failure {
        Failure::Coded(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Coded(error.into())
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Failure {
        Failure::Coded(error.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::system(error)
    }
}
