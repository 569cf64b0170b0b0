//! Peppers: keys for hashing tokens, kept in a file outside the store.

use std::path::Path;

use serde::Deserialize;
use tokenlatch_core::Pepper;

use crate::error::EnvironmentError;
use crate::private_file::read_private;

/// The largest pepper file, in bytes: far more than the module's limit on peppers needs.
const MAX_BYTES: u64 = 64 << 10;

#[derive(Deserialize)]
#[serde(untagged)]
enum Json {
    List(Vec<Pepper>),
    Object { peppers: Vec<Pepper> },
}

/// Reads a pepper file, newest pepper first: a JSON array of `{"id":…,"key":hex}`, an object with that array as `peppers`,
/// or lines of `id:hex` with `#` before comments. The module checks the peppers themselves.
///
/// # Errors
/// [`EnvironmentError::Peppers`] if the file is missing, empty, unreadable, malformed, or open to other users. The error
/// contains none of the file's content.
pub fn read_peppers(path: &Path) -> Result<Vec<Pepper>, EnvironmentError> {
    let fault = |reason: String| EnvironmentError::Peppers {
        path: path.to_owned(),
        reason,
    };
    let text = read_private(path, MAX_BYTES).map_err(&fault)?;
    let peppers = if text.trim_start().starts_with(['[', '{']) {
        // The parser's message is dropped because it may quote a key.
        match serde_json::from_str::<Json>(&text) {
            Ok(Json::List(peppers) | Json::Object { peppers }) => peppers,
            Err(_) => return Err(fault("it is not an array of objects with `id` and `key`".to_owned())),
        }
    } else {
        read_lines(&text).map_err(|line| fault(format!("line {line} is not `id:hex`")))?
    };
    if peppers.is_empty() {
        return Err(fault("it contains no pepper".to_owned()));
    }
    Ok(peppers)
}

fn read_lines(text: &str) -> Result<Vec<Pepper>, usize> {
    (1_usize..)
        .zip(text.lines().map(str::trim))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let (id, key) = line.split_once(':').ok_or(number)?;
            Ok(Pepper {
                id: id.trim().to_owned(),
                key: key.trim().into(),
            })
        })
        .collect()
}
