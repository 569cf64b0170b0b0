//! Determines the user that a command acts as.

use crate::failure::Failure;

/// Returns the account of a command: the named one, or that of the person who runs it, from the system's user database.
///
/// # Errors
/// `user_needed`, with exit code 2: root, and a user that the system does not know, must name an account.
pub fn account(named: Option<&str>) -> Result<String, Failure> {
    if let Some(user) = named {
        return Ok(user.to_owned());
    }
    if is_root() {
        return Err(Failure::usage(
            "user_needed",
            "root has no account; name one with `--user=NAME`",
        ));
    }
    whoami::username().map_err(|_| {
        Failure::usage(
            "user_needed",
            "the system has no user name for you; name the account with `--user=NAME`",
        )
    })
}

/// Returns the owner of a token that was given without its user: the named account, or that of the person who runs the command.
///
/// # Errors
/// `user_needed`, with exit code 2.
pub fn owner(named: Option<&str>) -> Result<String, Failure> {
    account(named).map_err(|_| {
        Failure::usage(
            "user_needed",
            "a token doesn't contain its account; name it with `--user=NAME`, or use `--header-file`",
        )
    })
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
