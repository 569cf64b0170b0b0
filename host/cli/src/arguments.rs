//! Arguments as the command `uapi` takes them: `key=value`, percent-encoded, or `key=@file`; or a JSON object on standard input.

use std::io::Read;
use std::path::Path;

use clap::{Args, ValueEnum};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokenlatch::read_text;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The largest file, in bytes, that can replace a value.
const MAX_FILE: u64 = 1 << 20;

/// The largest JSON object, in bytes, on standard input.
const MAX_INPUT: u64 = 4 << 20;

/// The format of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Input {
    /// KEY=VALUE on the command line
    KeyValue,
    /// One JSON object on standard input; KEY=VALUE arguments are added to it
    Json,
}

/// The parameters of a function, as given on the command line.
#[derive(Args)]
pub struct Arguments {
    /// Format of the parameters; KEY=VALUE by default
    #[arg(long, value_enum, value_name = "FORM")]
    input: Option<Input>,
    /// The parameters
    #[arg(value_name = "KEY=VALUE")]
    arguments: Vec<String>,
}

/// The parameters, in order.
pub struct Parameters {
    pub values: Vec<(String, Value)>,
    /// Whether to send them as JSON, because a form cannot represent all of them.
    pub json: bool,
}

impl Arguments {
    /// Reads the parameters. Errors contain no value, because a value may be a secret.
    ///
    /// # Errors
    /// `argument_invalid`, with exit code 2.
    pub fn read(&self) -> Result<Parameters, Failure> {
        let json = self.input == Some(Input::Json);
        let mut values = if json {
            object(std::io::stdin().lock())?
        } else {
            Vec::new()
        };
        for argument in &self.arguments {
            let (key, value) = pair(argument)?;
            if json && values.iter().any(|(known, _)| *known == key) {
                return Err(wrong(format!("`{}` is given twice", key.escape_debug())));
            }
            values.push((key, Value::String(value)));
        }
        Ok(Parameters { values, json })
    }
}

/// Returns the entries of a JSON object. Empty input has none.
fn object(input: impl Read) -> Result<Vec<(String, Value)>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    input
        .take(MAX_INPUT + 1)
        .read_to_end(&mut bytes)
        .map_err(Failure::system)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(wrong("standard input has more than 4 MiB"));
    }
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    // The module's parser refuses duplicate keys.
    let unique = matches!(
        tokenlatch::core::Value::from_json(&bytes),
        Ok(tokenlatch::core::Value::Object(_))
    );
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(entries)) if unique => Ok(entries.into_iter().collect()),
        _ => Err(wrong("standard input isn't one JSON object with each key once")),
    }
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

/// Decodes percent-encoding: `%41` is `A`. A `+` is kept.
fn decode(text: &str) -> Option<String> {
    let escapes = text.split('%').skip(1);
    let whole = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !escapes.into_iter().all(whole) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(String::from)
}

/// Returns the content of a file without its last line end.
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

    use serde_json::{Value, json};

    use super::{Arguments, Input, decode, object};

    fn read(arguments: &[String]) -> Option<Vec<(String, Value)>> {
        let arguments = Arguments {
            input: Some(Input::KeyValue),
            arguments: arguments.to_vec(),
        };
        arguments.read().ok().map(|parameters| parameters.values)
    }

    #[test]
    fn standard_input_must_be_one_object_or_empty() {
        let read = |text: &str| object(text.as_bytes()).ok();
        assert_eq!(read(" \n"), Some(Vec::new()));
        let pairs = vec![("a".to_owned(), json!("x")), ("b".to_owned(), json!([1, {"c": 1.5}]))];
        assert_eq!(read(r#"{"a":"x","b":[1,{"c":1.5}]}"#), Some(pairs));
        for spoilt in [
            "[]",
            "{",
            "1",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            "{} {}",
            "a=b",
        ] {
            assert_eq!(read(spoilt), None, "{spoilt}");
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(4 << 20));
        assert_eq!(read(&long), None);
    }

    #[test]
    fn decodes_uri_escapes_and_keeps_plus_signs() {
        assert_eq!(decode("a%20b+c%3D").unwrap(), "a b+c=");
        assert_eq!(decode("%E2%82%ac").unwrap(), "€");
        for spoilt in ["50%", "%4", "%zz", "%C3%28", "%€"] {
            assert_eq!(decode(spoilt), None, "{spoilt}");
        }
    }

    #[test]
    fn arguments_keep_their_order_and_split_at_the_first_equals() {
        let arguments = ["b=1=2", "a=", "b=3"].map(String::from);
        let pairs = [("b", "1=2"), ("a", ""), ("b", "3")].map(|(key, value)| (key.to_owned(), json!(value)));
        assert_eq!(read(&arguments).unwrap(), pairs);
        for spoilt in ["a", "=a", "a=%", "a=@/nowhere/at/all"] {
            assert!(read(&[spoilt.to_owned()]).is_none(), "{spoilt}");
        }
    }

    #[test]
    fn file_value_loses_only_its_last_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        for (content, value) in [("x%41\r\n", "x%41"), ("a\nb\n\n", "a\nb\n"), ("", "")] {
            std::fs::write(&path, content).unwrap();
            let argument = format!("k=@{}", path.display());
            assert_eq!(read(&[argument]).unwrap(), [("k".to_owned(), json!(value))]);
        }
        std::fs::write(&path, vec![b'a'; (1 << 20) + 1]).unwrap();
        assert!(read(&[format!("k=@{}", path.display())]).is_none());
    }
}
