//! Whether anything was committed, without asking SQLite: the header of the write-ahead log's index.
//!
//! In WAL mode every commit, by whatever process, changes the header at the beginning of the file `-shm` before it is
//! acknowledged: its counter of changes, the last frame and a checksum (<https://www.sqlite.org/walformat.html>, The
//! WAL-Index Header). Nothing in it is interpreted here. Two headers that are equal byte for byte mean that nothing was
//! committed between the two looks; in any other case, and wherever this file cannot be read, SQLite is asked.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::store::mark::Stamp;

/// The header stands there twice: one that is being written differs from its copy.
const COPY: usize = 48;

/// The index files of this process, by device and number. None is ever closed: closing one would drop the locks that
/// SQLite holds on it for the whole process (<https://www.sqlite.org/howtocorrupt.html>, 2.2). There are only as many as
/// databases were opened.
static OPEN: LazyLock<Mutex<HashMap<(u64, u64), &'static File>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
pub(super) struct WalIndex {
    path: PathBuf,
    file: Mutex<Option<&'static File>>,
}

impl WalIndex {
    /// Of the database in this file. SQLite follows links before it names the files that belong to it.
    pub fn of(database: &Path) -> WalIndex {
        let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        let mut path = database.into_os_string();
        path.push("-shm");
        WalIndex {
            path: path.into(),
            file: Mutex::new(None),
        }
    }

    /// The header as it stands; `None` where it cannot be told.
    pub fn stamp(&self) -> Option<Stamp> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none_or(|file| !is_in_place(file)) {
            *file = open(&self.path).filter(|file| is_in_place(file));
        }
        let both = read((*file)?)?;
        let (one, other) = both.split_at_checked(COPY)?;
        let stamp: [u8; COPY] = one.try_into().ok()?;
        let written = stamp.iter().any(|byte| *byte != 0);
        (one == other && written).then_some(Stamp(stamp))
    }
}

/// The file, opened once in this process.
#[cfg(unix)]
fn open(path: &Path) -> Option<&'static File> {
    use std::os::unix::fs::MetadataExt;
    let key = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = open.get(&key(std::fs::metadata(path).ok()?)) {
        return Some(file);
    }
    let file: &'static File = Box::leak(Box::new(File::open(path).ok()?));
    // Another file may have come to the name meanwhile: this one is kept in any case.
    open.insert(key(file.metadata().ok()?), file);
    Some(file)
}

/// Whether the file still has its name. SQLite removes it with the last connection, and makes another one.
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

/// Elsewhere nothing promises that a read sees what another process has mapped.
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
