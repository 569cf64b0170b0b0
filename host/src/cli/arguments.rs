//! Arguments as the command `uapi` takes them: `key=value`, URI-escaped, or `key=@file`.

use std::path::Path;

use percent_encoding::percent_decode_str;

use super::failure::Failure;
use super::files::read_text;

/// The longest file, in bytes, that is read in place of a value.
const MAX_FILE: u32 = 1 << 20;

/// Reads the arguments, in the order given. A value may be a secret: nothing here repeats one.
///
/// # Errors
/// `argument_invalid`, with exit code 2.
pub fn read(arguments: &[String]) -> Result<Vec<(String, String)>, Failure> {
    arguments.iter().map(|argument| pair(argument)).collect()
}

fn pair(argument: &str) -> Result<(String, String), Failure> {
    let (key, value) = argument.split_once('=').ok_or_else(|| {
        wrong("an argument has no `=`; arguments are written `key=value`, options such as `--output=json` with dashes")
    })?;
    let key =
        decode(key).ok_or_else(|| wrong("a key's `%` isn't followed by two hexadecimal digits, or it isn't UTF-8"))?;
    if key.is_empty() {
        return Err(wrong("an argument has no key before its `=`"));
    }
    let value = match value.strip_prefix('@') {
        Some(path) => file(&key, Path::new(path))?,
        None => decode(value).ok_or_else(|| {
            wrong(format!(
                "the value of `{}` has a `%` that isn't followed by two hexadecimal digits, or isn't UTF-8; write `%25` for a percent sign",
                key.escape_debug()
            ))
        })?,
    };
    Ok((key, value))
}

/// Takes `%41` for `A`; a `+` stays one.
fn decode(text: &str) -> Option<String> {
    let escapes = text.split('%').skip(1);
    let whole = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !escapes.into_iter().all(whole) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(String::from)
}

/// The content of a file as it is, but for one line end at its end.
fn file(key: &str, path: &Path) -> Result<String, Failure> {
    let text = read_text(path, MAX_FILE).map_err(|reason| {
        wrong(format!(
            "the file `{}` for `{}` cannot be used: {reason}",
            path.display(),
            key.escape_debug()
        ))
    })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn wrong(message: impl Into<String>) -> Failure {
    Failure::usage("argument_invalid", message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::{decode, read};

    #[test]
    fn values_are_uri_escaped_and_a_plus_stays_one() {
        assert_eq!(decode("a%20b+c%3D").unwrap(), "a b+c=");
        assert_eq!(decode("%E2%82%ac").unwrap(), "€");
        for spoilt in ["50%", "%4", "%zz", "%C3%28", "%€"] {
            assert_eq!(decode(spoilt), None, "{spoilt}");
        }
    }

    #[test]
    fn arguments_are_read_in_order_and_split_at_the_first_sign() {
        let arguments = ["b=1=2", "a=", "b=3"].map(String::from);
        let pairs = [("b", "1=2"), ("a", ""), ("b", "3")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(read(&arguments).ok().unwrap(), pairs);
        for spoilt in ["a", "=a", "a=%", "a=@/nowhere/at/all"] {
            assert!(read(&[spoilt.to_owned()]).is_err(), "{spoilt}");
        }
    }

    #[test]
    fn a_file_is_taken_as_it_is_but_for_its_last_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        for (content, value) in [("x%41\r\n", "x%41"), ("a\nb\n\n", "a\nb\n"), ("", "")] {
            std::fs::write(&path, content).unwrap();
            let argument = format!("k=@{}", path.display());
            assert_eq!(read(&[argument]).ok().unwrap(), [("k".to_owned(), value.to_owned())]);
        }
        std::fs::write(&path, vec![b'a'; (1 << 20) + 1]).unwrap();
        assert!(read(&[format!("k=@{}", path.display())]).is_err());
    }
}
