//! The file that records which table a follower held last, so that a restart cannot be used to roll it back.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokenlatch_core::{Floor, SnapshotState};

use crate::private_file::{lock_beside, open_regular, unusable, write_atomically};

/// The largest state file, in bytes.
const MAX_BYTES: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Kept {
    epoch: u64,
    version: u64,
    made: i64,
}

/// The state file, if configured.
#[derive(Clone, Debug, Default)]
pub(super) struct StateFile(Option<PathBuf>);

impl StateFile {
    pub(super) fn new(path: Option<&Path>) -> StateFile {
        StateFile(path.map(Path::to_owned))
    }

    /// Reads the recorded state; `None` if there is no file yet. An unreadable file is an error, because without it an old table
    /// could not be told from the newest.
    pub(super) fn read(&self) -> io::Result<Option<Floor>> {
        let Some(path) = &self.0 else { return Ok(None) };
        let Some(text) = read(path)? else { return Ok(None) };
        let kept: Kept =
            serde_json::from_slice(&text).map_err(|_| io::Error::other("it isn't what a follower writes"))?;
        Ok(Some(Floor {
            epoch: kept.epoch,
            version: kept.version,
            made: kept.made,
        }))
    }

    /// Records the held table atomically and durably. A newer state that another process recorded is kept.
    pub(super) fn write(&self, state: &SnapshotState) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let _lock = lock_beside(path)?;
        match self.read() {
            Ok(Some(kept)) if kept.is_above(&state.floor()) => return Ok(()),
            // A file without valid content is replaced; one that cannot be opened is not.
            Err(error) if error.kind() != io::ErrorKind::Other => return Err(error),
            _ => {}
        }
        let kept = Kept {
            epoch: state.epoch,
            version: state.version,
            made: state.made,
        };
        let text = serde_json::to_vec(&kept).map_err(io::Error::other)?;
        write_atomically(path, &text, 0o600)
    }
}

/// Reads a regular file.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match open_regular(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unusable("it is too long"));
    }
    Ok(Some(text))
}

impl fmt::Display for StateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => write!(f, "`{}`, which guards against a roll-back,", path.display()),
            None => f.write_str("no file"),
        }
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::{Duration, Instant};

    use super::*;

    fn state(version: u64) -> SnapshotState {
        SnapshotState {
            epoch: 1,
            version,
            made: 1_800_000_000,
            max_age: 60,
            tokens: 0,
            bytes: 0,
        }
    }

    fn version(file: &StateFile) -> Option<u64> {
        file.read().unwrap().map(|floor| floor.version)
    }

    #[test]
    fn lock_on_the_folder_does_not_block_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let locked = File::open(folder.path()).unwrap();
        locked.lock().unwrap();
        let file = StateFile::new(Some(&path));
        file.write(&state(1)).unwrap();
        assert_eq!(version(&file), Some(1));
        let lock = fs::metadata(folder.path().join("state.json.lock")).unwrap();
        assert_eq!((lock.len(), lock.permissions().mode() & 0o777), (0, 0o600));
    }

    #[test]
    fn write_times_out_while_another_process_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let file = StateFile::new(Some(&path));
        file.write(&state(1)).unwrap();
        let held = File::open(folder.path().join("state.json.lock")).unwrap();
        held.lock().unwrap();
        let begun = Instant::now();
        let error = file.write(&state(2)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("state.json.lock"), "{error}");
        assert!(begun.elapsed() >= Duration::from_secs(2));
        assert_eq!(version(&file), Some(1));
        drop(held);
        file.write(&state(2)).unwrap();
        assert_eq!(version(&file), Some(2));
    }

    #[test]
    fn lock_must_be_a_regular_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, lock) = (folder.path().join("state.json"), folder.path().join("state.json.lock"));
        let (victim, missing) = (folder.path().join("victim"), folder.path().join("missing"));
        fs::write(&victim, "precious").unwrap();
        let file = StateFile::new(Some(&path));
        for target in [&victim, &missing] {
            symlink(target, &lock).unwrap();
            let error = file.write(&state(1)).unwrap_err();
            assert!(error.to_string().contains("symbolic link"), "{error}");
            fs::remove_file(&lock).unwrap();
        }
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert!(!missing.exists());
        fs::create_dir(&lock).unwrap();
        file.write(&state(1)).unwrap_err();
        assert_eq!(version(&file), None);
    }
}
