//! Detects commits without a query, from the header of the write-ahead log's index.
//!
//! In WAL mode every commit, by any process, changes the header at the start of the `-shm` file before it is acknowledged:
//! its change counter, the last frame and a checksum (<https://www.sqlite.org/walformat.html>, The WAL-Index Header). The
//! header is not interpreted here. If two headers are equal byte for byte, nothing was committed between the two reads.
//! Otherwise, or if the file cannot be read, the store queries SQLite.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::store::revision::RevisionStamp;

/// The size of one copy of the header, which is stored twice. While it is being written, the copies differ.
const COPY: usize = 48;

/// The index files of this process, by device and inode. They are never closed: closing one would drop the locks that SQLite
/// holds on it for the whole process (<https://www.sqlite.org/howtocorrupt.html>, 2.2). Their number is bounded by the
/// number of opened databases.
static OPEN: LazyLock<Mutex<HashMap<(u64, u64), &'static File>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
pub(super) struct WalIndex {
    path: PathBuf,
    file: Mutex<Option<&'static File>>,
}

impl WalIndex {
    /// Locates the index of a database file. SQLite resolves symbolic links before it names the files beside it.
    pub fn of(database: &Path) -> WalIndex {
        let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        let mut path = database.into_os_string();
        path.push("-shm");
        WalIndex {
            path: path.into(),
            file: Mutex::new(None),
        }
    }

    /// Returns the header; `None` if it cannot be read reliably.
    pub fn stamp(&self) -> Option<RevisionStamp> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none_or(|file| !is_in_place(file)) {
            *file = open(&self.path).filter(|file| is_in_place(file));
        }
        let both = read((*file)?)?;
        let (one, other) = both.split_at_checked(COPY)?;
        let stamp: [u8; COPY] = one.try_into().ok()?;
        let written = stamp.iter().any(|byte| *byte != 0);
        (one == other && written).then_some(RevisionStamp(stamp))
    }
}

/// Returns the file, opened once in this process.
#[cfg(unix)]
fn open(path: &Path) -> Option<&'static File> {
    use std::os::unix::fs::MetadataExt;
    let key = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = open.get(&key(std::fs::metadata(path).ok()?)) {
        return Some(file);
    }
    let file: &'static File = Box::leak(Box::new(File::open(path).ok()?));
    // Another file may be at the path by now; this one is kept anyway.
    open.insert(key(file.metadata().ok()?), file);
    Some(file)
}

/// Whether the file is still at its path. SQLite removes it with the last connection and creates another one later.
#[cfg(unix)]
fn is_in_place(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
}

#[cfg(unix)]
fn read(file: &File) -> Option<[u8; 2 * COPY]> {
    use std::os::unix::fs::FileExt;
    let mut both = [0; 2 * COPY];
    file.read_exact_at(&mut both, 0).ok()?;
    Some(both)
}

/// On other systems a read is not guaranteed to see what another process has mapped.
#[cfg(not(unix))]
fn open(_: &Path) -> Option<&'static File> {
    None
}

#[cfg(not(unix))]
fn is_in_place(_: &File) -> bool {
    false
}

#[cfg(not(unix))]
fn read(_: &File) -> Option<[u8; 2 * COPY]> {
    None
}
