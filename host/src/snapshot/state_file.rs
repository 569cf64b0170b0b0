//! The small file that tells a follower which table it held last, so that nobody can roll it back by a restart.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokenlatch_core::{Floor, SnapshotState};

/// More than it takes.
const MAX_BYTES: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Kept {
    epoch: u64,
    version: u64,
    made: i64,
}

/// The file, if there is to be one.
#[derive(Clone, Debug, Default)]
pub(super) struct StateFile(Option<PathBuf>);

impl StateFile {
    pub(super) fn new(path: Option<&Path>) -> StateFile {
        StateFile(path.map(Path::to_owned))
    }

    /// What was kept; nothing where there is no file yet. One that cannot be read is an error: without it nobody could
    /// tell an old table from the newest.
    pub(super) fn read(&self) -> io::Result<Option<Floor>> {
        let Some(path) = &self.0 else { return Ok(None) };
        let size = match fs::metadata(path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if size > MAX_BYTES {
            return Err(io::Error::other("it is too long"));
        }
        let text = fs::read(path)?;
        let kept: Kept =
            serde_json::from_slice(&text).map_err(|_| io::Error::other("it isn't what a follower writes"))?;
        Ok(Some(Floor {
            epoch: kept.epoch,
            version: kept.version,
            made: kept.made,
        }))
    }

    /// Keeps which table is held: wholly or not at all, and on the disk.
    pub(super) fn write(&self, state: &SnapshotState) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let kept = Kept {
            epoch: state.epoch,
            version: state.version,
            made: state.made,
        };
        let text = serde_json::to_vec(&kept).map_err(io::Error::other)?;
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut file = File::create(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, path)?;
        // The name in the folder is on the disk only then.
        match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
    }
}

impl fmt::Display for StateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => write!(f, "`{}`, which guards against a roll-back,", path.display()),
            None => f.write_str("no file"),
        }
    }
}
