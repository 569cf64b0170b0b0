//! Passwords: read from a terminal or standard input, or generated.

use std::io::{self, BufRead, IsTerminal, Read};

use tokenlatch::{ENTROPY_BYTES, Entropy, SystemEntropy, without_byte_order_mark};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The longest line, in bytes; passwords are shorter.
const MAX_BYTES: u64 = 8 << 10;

/// The characters of a generated password. They look distinct, and their number, 32, divides 256, so all are equally likely.
const ALPHABET: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";
/// The length of a generated password in characters: 120 bits of randomness.
const MADE: usize = 24;
/// The number of characters between two dashes.
const GROUP: usize = 6;

/// Generates a password, in groups that are easy to read out.
pub fn random_password() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new([0; ENTROPY_BYTES]);
    SystemEntropy.fill(&mut bytes)?;
    let mut password = Zeroizing::new(String::with_capacity(MADE + MADE / GROUP));
    for (index, byte) in bytes.iter().take(MADE).enumerate() {
        if index > 0 && index.is_multiple_of(GROUP) {
            password.push('-');
        }
        let letter = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'0');
        password.push(char::from(letter));
    }
    Ok(password)
}

/// Reads the first line of standard input, without its line end and byte order mark.
pub fn from_stdin() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::with_capacity(1024));
    io::stdin().lock().take(MAX_BYTES).read_line(&mut line)?;
    let text = without_byte_order_mark(&line).trim_end_matches(['\r', '\n']);
    Ok(Zeroizing::new(text.to_owned()))
}

/// Asks twice on the terminal, with hidden input. Without a terminal it reads standard input.
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
