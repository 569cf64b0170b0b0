//! The file that was opened: whether it still has its name, and whether it can be written.

use std::path::{Path, PathBuf};

use super::super::error::{Engine, StoreError};

/// With less room than this, in bytes, the disk counts as full.
#[cfg(unix)]
const LITTLE_ROOM: u64 = 65_536;

/// Where the file was when it was opened, and which one it was.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: Option<(u64, u64)>,
    read_only: bool,
}

impl Place {
    /// Of the file that has just been opened, for reading alone or not.
    pub fn of(path: &Path, read_only: bool) -> Place {
        Place {
            path: path.to_owned(),
            file: number(path),
            read_only,
        }
    }

    /// Whether the name still leads to the file that was opened. What is written to another one, or to one without a name,
    /// is lost.
    pub fn check(&self) -> Result<(), StoreError> {
        if number(&self.path) == self.file {
            Ok(())
        } else {
            Err(StoreError::Replaced)
        }
    }

    /// Whether the file system takes writes to it.
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

    /// Elsewhere that is seen by the next change, unless the file was opened for reading alone.
    #[cfg(not(unix))]
    pub fn writable(&self) -> Result<(), StoreError> {
        match self.read_only {
            true => Err(StoreError::ReadOnly(Engine::Sqlite)),
            false => Ok(()),
        }
    }
}

/// Device and number of a file.
#[cfg(unix)]
fn number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
fn number(_: &Path) -> Option<(u64, u64)> {
    None
}
