//! Passwords, from a terminal or from standard input and from nowhere else.

use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

use super::failure::Failure;

/// More than any password has.
const MAX_BYTES: u64 = 8 << 10;

/// The first line of standard input, without its end.
pub fn from_stdin() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::with_capacity(1024));
    io::stdin().lock().take(MAX_BYTES).read_line(&mut line)?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

/// Asks twice on the terminal, without showing what is typed; without a terminal it reads standard input.
pub fn new_password() -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        return from_stdin();
    }
    let first = Zeroizing::new(rpassword::prompt_password("New password: ")?);
    let second = Zeroizing::new(rpassword::prompt_password("Once more: ")?);
    if *first != *second {
        return Err(Failure::usage("passwords_differ", "the two passwords differ"));
    }
    Ok(first)
}
