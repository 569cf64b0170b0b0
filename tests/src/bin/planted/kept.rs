//! Results that are kept between runs, so that a run can be resumed. Each is of one layer, with a patch or
//! without, and is valid while the sources that the layer reads are the same.

use std::fs;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokenlatch_tests::Fault;
use tokenlatch_vectors::hex::hex;

/// The folder of kept results.
pub(crate) struct Kept {
    folder: PathBuf,
    /// Whether results of earlier runs are ignored.
    again: bool,
}

#[derive(Serialize, Deserialize)]
struct Entry<T> {
    key: String,
    result: T,
}

impl Kept {
    pub(crate) fn new(folder: PathBuf, again: bool) -> Kept {
        Kept { folder, again }
    }

    /// Returns the result of an earlier run with the same key, unless everything is to run again.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str, key: &str) -> Option<T> {
        self.find(name, key).filter(|_| !self.again)
    }

    /// Whether there is a result of an earlier run, or of this one, with the same key.
    pub(crate) fn known(&self, name: &str, key: &str) -> bool {
        self.find::<serde_json::Value>(name, key).is_some()
    }

    fn find<T: DeserializeOwned>(&self, name: &str, key: &str) -> Option<T> {
        let text = fs::read_to_string(self.path(name)).ok()?;
        let entry: Entry<T> = serde_json::from_str(&text).ok()?;
        (entry.key == key).then_some(entry.result)
    }

    /// Keeps a result.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn put<T: Serialize>(&self, name: &str, key: &str, result: &T) -> Result<(), Fault> {
        let key = key.to_owned();
        let text = serde_json::to_string_pretty(&Entry { key, result }).map_err(Fault::during("writing a result"))?;
        fs::create_dir_all(&self.folder).map_err(Fault::during(self.folder.display()))?;
        let path = self.path(name);
        fs::write(&path, text).map_err(Fault::during(path.display()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }
}

/// The key of a result: a digest of everything that it depends on.
pub(crate) fn key(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(Sha256::digest(part));
    }
    hex(&digest.finalize())
}
