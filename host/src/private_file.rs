//! Small files that hold a secret, such as peppers, the key of snapshots or the token that an edge presents, and files that
//! must be written wholly or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// How long another process may hold the lock: it writes a small file meanwhile. An edge follows no
/// further as long as this takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// How soon the lock is tried again.
const AGAIN: Duration = Duration::from_millis(10);

/// The text of a file that other users can't read or write, without a byte order mark.
///
/// # Errors
/// Why it can't be used, in words that follow a colon and hold nothing of its content.
pub fn read_private(path: &Path, most: u64) -> Result<Zeroizing<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    check_private(&file)?;
    text_of(file, most)
}

/// The text of a file or a pipe, without a byte order mark.
///
/// # Errors
/// As [`read_private`], but for the permissions.
pub fn read_text(path: &Path, most: u64) -> Result<Zeroizing<String>, String> {
    text_of(File::open(path).map_err(|error| error.to_string())?, most)
}

/// A text without the byte order mark that some editors and shells put before it.
#[must_use]
pub fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn text_of(file: File, most: u64) -> Result<Zeroizing<String>, String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| error.kind().to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it is longer than {most} bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "it isn't UTF-8".to_owned())?;
    Ok(Zeroizing::new(without_byte_order_mark(text).to_owned()))
}

/// Refuses a file that other users can read or write, or its group can write.
#[cfg(unix)]
fn check_private(file: &File) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().map_err(|error| error.to_string())?.mode();
    if mode & 0o027 == 0 {
        Ok(())
    } else {
        Err(format!(
            "other users can get at it (mode {:03o}); run `chmod 600` on it",
            mode & 0o777
        ))
    }
}

/// Elsewhere the standard library does not tell who can read a file.
#[cfg(not(unix))]
fn check_private(_: &File) -> Result<(), String> {
    Ok(())
}

/// Writes a file in place of an older one or of a symbolic link: after a crash the old or the new one is there. On Unix it has
/// these permissions, less the umask; elsewhere those of the folder.
///
/// # Errors
/// Those of the file system.
pub fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = builder.prefix(".tokenlatch-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The name in the folder is on the disk only then.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Locks the file `<path>.lock` until the result is dropped. Others who write this file do the same. The file stays: it
/// could not be removed without a race.
///
/// # Errors
/// Those of the file system; [`io::ErrorKind::TimedOut`] when another process has held the lock for two seconds. Each names the
/// lock.
pub fn lock_beside(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let named = |error: io::Error| io::Error::new(error.kind(), format!("its lock `{}`: {error}", path.display()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = open_regular(&path, &mut options).map_err(named)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // Where the file system has no locks, comparing with what is kept must do.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(named(error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(AGAIN),
            Err(TryLockError::WouldBlock) => {
                let held = io::Error::new(io::ErrorKind::TimedOut, "another process holds it");
                return Err(named(held));
            }
        }
    }
}

/// Opens a regular file. A symbolic link isn't followed: who may write in the folder could point it anywhere.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a pipe would wait for its other end.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = options.open(path).map_err(|error| {
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if is_link {
            unusable("it is a symbolic link")
        } else {
            error
        }
    })?;
    if !file.metadata()?.is_file() {
        return Err(unusable("it is no regular file"));
    }
    Ok(file)
}

pub(crate) fn unusable(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (bytes, text) in [
            (&b"\xef\xbb\xbfp1:00\n"[..], Some("p1:00\n")),
            (b"p1:00\n", Some("p1:00\n")),
            (b"", Some("")),
            (b"\xff\xfe", None),
            (b"12345678901", None),
        ] {
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let read = read_private(&path, 10);
            assert_eq!(read.ok().as_ref().map(|read| read.as_str()), text);
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_private(&path, 64).unwrap_err().contains("chmod 600"));
    }

    #[test]
    fn a_file_is_replaced_wholly_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        for mode in [0o600, 0o640] {
            write_atomically(&path, b"new", mode).unwrap();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            assert!(metadata.is_file());
            assert_eq!(metadata.permissions().mode() & 0o777, mode);
            assert_eq!(std::fs::read(&path).unwrap(), b"new");
        }
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        // A file that can't take the place leaves nothing behind, and what was there stays.
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        write_atomically(&taken, b"new", 0o600).unwrap_err();
        assert!(taken.is_dir());
        write_atomically(&folder.path().join("missing/file"), b"new", 0o600).unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
