//! Determines the user that a command acts as.

use crate::failure::Failure;

/// Returns the account of a command: the named one, or that of the person who runs it, from the system's user database.
///
/// # Errors
/// `user_needed`, with exit code 2: root, and a user whom the system does not know, must name an account.
pub fn account(named: Option<&str>) -> Result<String, Failure> {
    if let Some(user) = named {
        return Ok(user.to_owned());
    }
    if is_root() {
        return Err(Failure::usage(
            "user_needed",
            "the administrator acts for others, so say for whom: `--user=NAME`",
        ));
    }
    whoami::username().map_err(|_| {
        Failure::usage(
            "user_needed",
            "the system doesn't know your user name, so say which account: `--user=NAME`",
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
            "a token alone doesn't tell whose it is, so name its account: `--user=NAME`; or give `--header-file`, which names it",
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
