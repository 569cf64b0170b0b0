//! As whom a command acts.

use crate::failure::Failure;

/// The account of a command: the one named, or the account of the person who runs it, by the system's user database.
///
/// # Errors
/// `user_needed`, with exit code 2: the administrator must say for whom, and so must one whom the system doesn't know.
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

/// Whose a token is that came without its user: the account named, or that of the person who runs the command.
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
