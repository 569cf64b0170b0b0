//! The on-disk cache of compiled code.
//!
//! A cached module is machine code: anyone who can write it can run code in this process. So only this user may have
//! access to the directory. If that cannot be shown, the module is compiled again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where compiled code is kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeCache {
    /// No cache: each process compiles the module.
    #[default]
    Off,
    /// In the user's cache directory: `$XDG_CACHE_HOME/tokenlatch`, or `~/.cache/tokenlatch`.
    User,
    /// In this directory.
    Directory(PathBuf),
}

impl CodeCache {
    /// Returns the cache for the engine; `None` if its directory cannot be trusted.
    pub(crate) fn open(&self) -> Option<wasmtime::Cache> {
        let directory = match self {
            CodeCache::Off => return None,
            CodeCache::User => user_directory()?,
            CodeCache::Directory(path) => path.clone(),
        };
        let directory = private_directory(&directory).ok()?;
        let mut config = wasmtime::CacheConfig::new();
        config.with_directory(directory);
        wasmtime::Cache::new(config).ok()
    }
}

fn user_directory() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| {
            std::env::home_dir()
                .filter(|home| home.is_absolute())
                .map(|home| home.join(".cache"))
        })?;
    Some(base.join("tokenlatch"))
}

/// Creates the directory if it is missing, and checks that no other user can put a file there.
#[cfg(unix)]
fn private_directory(path: &Path) -> io::Result<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};

    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // `symlink_metadata` does not follow a link that another user may have placed.
    let found = fs::symlink_metadata(path)?;
    let ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
    if ours {
        fs::canonicalize(path)
    } else {
        Err(io::Error::from(io::ErrorKind::PermissionDenied))
    }
}

/// The standard library cannot read a directory's owner on other systems, so no code is cached.
#[cfg(not(unix))]
fn private_directory(_: &Path) -> io::Result<PathBuf> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn creates_a_private_directory() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/cache");
        let made = private_directory(&path).unwrap();
        assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(CodeCache::Directory(path).open().is_some());
    }

    #[test]
    fn refuses_a_directory_that_others_can_write() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("cache");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(private_directory(&path).is_err());
        assert!(CodeCache::Directory(path).open().is_none());
    }

    #[test]
    fn refuses_a_link_and_a_file() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        private_directory(&real).unwrap();
        let link = home.path().join("link");
        symlink(&real, &link).unwrap();
        assert!(private_directory(&link).is_err());
        let file = home.path().join("file");
        fs::write(&file, b"").unwrap();
        assert!(private_directory(&file).is_err());
    }
}
