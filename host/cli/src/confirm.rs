//! Asks for confirmation before an irreversible action.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use crate::failure::Failure;

/// The longest input, in bytes; names are shorter.
const MAX_BYTES: u64 = 4 << 10;

/// On a terminal, asks to type the name. Scripts, which have no terminal, are not asked.
///
/// # Errors
/// `not_confirmed`, with exit code 1.
pub fn by_name(name: &str, what: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    let mut stderr = anstream::stderr();
    write!(stderr, "{what} Type the name to continue: ")?;
    stderr.flush()?;
    let mut line = String::new();
    io::stdin().lock().take(MAX_BYTES).read_line(&mut line)?;
    if line.trim_end_matches(['\r', '\n']) == name {
        return Ok(());
    }
    Err(Failure::Own {
        code: "not_confirmed",
        message: "the name doesn't match; nothing was changed".to_owned(),
        exit: 1,
    })
}
