//! Tracks the opened file: whether it is still at its path, and whether it is writable.

use std::path::{Path, PathBuf};

use super::super::error::{Engine, StoreError};

/// The disk counts as full with less free space than this, in bytes.
#[cfg(unix)]
const LITTLE_ROOM: u64 = 65_536;

/// The path and identity of the file when it was opened.
#[derive(Debug)]
pub(super) struct FileIdentity {
    path: PathBuf,
    file: Option<(u64, u64)>,
    read_only: bool,
}

impl FileIdentity {
    /// Describes the file that was just opened.
    pub fn of(path: &Path, read_only: bool) -> FileIdentity {
        FileIdentity {
            path: path.to_owned(),
            file: number(path),
            read_only,
        }
    }

    /// Checks that the path still leads to the opened file. Writes to another or an unlinked file would be lost.
    pub fn check(&self) -> Result<(), StoreError> {
        if number(&self.path) == self.file {
            Ok(())
        } else {
            Err(StoreError::Replaced)
        }
    }

    /// Checks that the file system accepts writes to the file.
    #[cfg(unix)]
    pub fn writable(&self) -> Result<(), StoreError> {
        use rustix::fs::{Access, access, statvfs};
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if self.read_only || access(&self.path, Access::WRITE_OK).is_err() || access(folder, Access::WRITE_OK).is_err()
        {
            return Err(StoreError::ReadOnly(Engine::Sqlite));
        }
        match statvfs(&self.path) {
            Ok(system) if system.f_bavail.saturating_mul(system.f_frsize) < LITTLE_ROOM => {
                Err(StoreError::Full(Engine::Sqlite))
            }
            _ => Ok(()),
        }
    }

    /// On other systems only the next change would show that, unless the file was opened read-only.
    #[cfg(not(unix))]
    pub fn writable(&self) -> Result<(), StoreError> {
        match self.read_only {
            true => Err(StoreError::ReadOnly(Engine::Sqlite)),
            false => Ok(()),
        }
    }
}

/// Returns a file's device and inode numbers.
#[cfg(unix)]
fn number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// On other systems an open file keeps its path.
#[cfg(not(unix))]
fn number(_: &Path) -> Option<(u64, u64)> {
    None
}
