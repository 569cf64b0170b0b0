//! The small file that tells a follower which table it held last, so that nobody can roll it back by a restart.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokenlatch_core::{Floor, SnapshotState};

use crate::private_file::write_atomically;

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
        let Some(text) = read(path)? else { return Ok(None) };
        let kept: Kept =
            serde_json::from_slice(&text).map_err(|_| io::Error::other("it isn't what a follower writes"))?;
        Ok(Some(Floor {
            epoch: kept.epoch,
            version: kept.version,
            made: kept.made,
        }))
    }

    /// Keeps which table is held: wholly or not at all, and on the disk. A newer one that another process has kept stays.
    pub(super) fn write(&self, state: &SnapshotState) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new(".")))?;
        // Released when the folder is closed. Where the file system has no locks the comparison below must do.
        match folder.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        match self.read() {
            Ok(Some(kept)) if kept.is_above(&state.floor()) => return Ok(()),
            // One that says nothing is replaced; one that can't be opened isn't ours.
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

/// The bytes of a regular file. A symbolic link isn't followed: who may write in the folder could point it anywhere.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a pipe would wait for its writer.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
            return Err(if is_link {
                unusable("it is a symbolic link")
            } else {
                error
            });
        }
    };
    if !file.metadata()?.is_file() {
        return Err(unusable("it is no regular file"));
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unusable("it is too long"));
    }
    Ok(Some(text))
}

fn unusable(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

impl fmt::Display for StateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => write!(f, "`{}`, which guards against a roll-back,", path.display()),
            None => f.write_str("no file"),
        }
    }
}
