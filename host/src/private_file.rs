//! Files that hold a secret, such as peppers, a snapshot key or an edge's token, and files that must be replaced
//! atomically.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::byte_order_mark::without_byte_order_mark;

/// How long to wait for another process to release the lock. The holder only writes a small file. An edge applies no
/// changes while it waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pause between two attempts to take the lock.
const AGAIN: Duration = Duration::from_millis(10);

/// Reads a file that other users cannot read or write, without its byte order mark. `most` is its largest size in bytes.
///
/// # Errors
/// Why the file cannot be used, worded to follow a colon. It contains none of the file's content.
pub fn read_private(path: &Path, most: u64) -> Result<Zeroizing<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    check_private(&file)?;
    text_of(file, most)
}

/// Reads a file or a pipe, without its byte order mark. `most` is its largest size in bytes.
///
/// # Errors
/// As [`read_private`], except that permissions are not checked.
pub fn read_text(path: &Path, most: u64) -> Result<Zeroizing<String>, String> {
    text_of(File::open(path).map_err(|error| error.to_string())?, most)
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

/// Refuses a file that other users can read or write, or that its group can write.
#[cfg(unix)]
fn check_private(file: &File) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().map_err(|error| error.to_string())?.mode();
    if mode & 0o027 == 0 {
        Ok(())
    } else {
        Err(format!(
            "other users can access it (mode {:03o}); run `chmod 600` on it",
            mode & 0o777
        ))
    }
}

/// The standard library cannot read these permissions on other systems.
#[cfg(not(unix))]
fn check_private(_: &File) -> Result<(), String> {
    Ok(())
}

/// Replaces a file or a symbolic link atomically: after a crash, either the old or the new file is there. On Unix the file
/// gets the permissions `mode`, less the umask; elsewhere it gets those of the folder.
///
/// # Errors
/// Errors of the file system.
pub fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    place_file(path, mode, true, |file| file.write_all(bytes))
}

/// Like [`write_atomically`], with content that `write` writes. Without `replace` an existing file stays, which is
/// [`io::ErrorKind::AlreadyExists`].
///
/// # Errors
/// Those of the file system and of `write`; then nothing has changed.
pub fn place_file<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    replace: bool,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
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
    write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    let placed = if replace {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    placed.map_err(|error| error.error)?;
    // The name in the folder is on the disk only then.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Locks the file `<path>.lock` until the result is dropped. Every writer of `path` takes this lock. The lock file is not
/// removed, because that would be a race.
///
/// # Errors
/// Errors of the file system; [`io::ErrorKind::TimedOut`] if another process holds the lock for two seconds. Each error
/// names the lock file.
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
            // Without file locks, the caller's comparison with the stored state is the only protection.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(named(error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(AGAIN),
            Err(TryLockError::WouldBlock) => {
                let held = io::Error::new(io::ErrorKind::TimedOut, "another process has locked it");
                return Err(named(held));
            }
        }
    }
}

/// Opens a regular file. It does not follow symbolic links: anyone who can write in the folder could point one anywhere.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a pipe would block until its other end is opened.
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
        return Err(unusable("it is not a regular file"));
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
    fn strips_the_byte_order_mark_from_a_secret() {
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
    fn replaces_files_atomically_without_following_links() {
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
        // A file that cannot be put in place leaves no temporary file, and the old one stays.
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        write_atomically(&taken, b"new", 0o600).unwrap_err();
        assert!(taken.is_dir());
        write_atomically(&folder.path().join("missing/file"), b"new", 0o600).unwrap_err();
        // Nor does one that may not replace another, or whose content can't be made.
        let kept = place_file(&path, 0o600, false, |file| file.write_all(b"newer")).unwrap_err();
        assert_eq!(kept.kind(), io::ErrorKind::AlreadyExists);
        place_file(&path, 0o600, true, |_| Err(io::Error::other("no content"))).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
