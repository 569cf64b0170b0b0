//! Splits large loads into chunks: requests are limited in size, tables are not.

use std::io;

use serde::Serialize;
use tokenlatch_core::Error as CoreError;

use crate::error::{Error, ModuleError, Result};

/// The size of a chunk in bytes, well below the module's limit for a request.
const CHUNK: usize = 4 << 20;

/// Splits items into runs whose JSON text is about a chunk long.
pub(super) fn chunks<T: Serialize>(items: &[T]) -> Result<Vec<&[T]>, ModuleError> {
    let mut runs = Vec::new();
    let (mut from, mut size) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        let length = json_length(item)?;
        if size > 0 && size + length > CHUNK {
            runs.extend(items.get(from..at));
            (from, size) = (at, 0);
        }
        size += length;
    }
    runs.extend(items.get(from..).filter(|run| !run.is_empty()));
    Ok(runs)
}

/// Corrects the index in an error to that among all items. The module knows only the index in the chunk.
pub(super) fn placed(error: Error, key: &str, from: usize) -> Error {
    let Error::Refused(refused) = &error else {
        return error;
    };
    let place = refused
        .field
        .as_deref()
        .and_then(|field| field.strip_prefix(key)?.strip_prefix('[')?.split_once(']'))
        .and_then(|(index, rest)| Some((index.parse::<usize>().ok()?, rest)));
    match place {
        Some((index, rest)) => {
            let field = format!("{key}[{}]{rest}", from + index);
            CoreError::at(refused.code, &field, refused.message.clone()).into()
        }
        None => error,
    }
}

/// A writer that only counts bytes.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn json_length(item: &impl Serialize) -> Result<usize, ModuleError> {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, item)
        .map_err(|_| ModuleError::Answer("the request cannot be encoded as JSON"))?;
    Ok(count.0)
}
