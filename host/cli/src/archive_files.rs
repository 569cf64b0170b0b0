//! Archive files: reads them, and writes them and other files so that only their owner can read them.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use tokenlatch::{ArchiveError, ArchiveFile, Error, place_file};

use crate::failure::Failure;

/// A file to be written.
pub struct Target<'a> {
    path: &'a Path,
    force: bool,
}

impl<'a> Target<'a> {
    /// Checks the path before any work is done.
    ///
    /// # Errors
    /// `file_exists`, with exit code 1, if there is a file that may not be replaced.
    pub fn new(path: &'a Path, force: bool) -> Result<Target<'a>, Failure> {
        if !force && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        Ok(Target { path, force })
    }

    /// The path.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// Writes an archive that only its owner can read. It is written to a temporary file, synced, and then renamed.
    pub fn write(&self, file: &ArchiveFile) -> Result<(), Failure> {
        self.put(|output| Ok(file.write(output).map_err(Error::from)?))
    }

    /// Writes any content in the same way.
    pub fn put(&self, write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), Failure>) -> Result<(), Failure> {
        let placed = place_file(self.path, 0o600, self.force, |file| {
            let mut output = BufWriter::new(file);
            write(&mut output)?;
            Ok(output.flush()?)
        });
        placed.map_err(|failure| match failure {
            Failure::System(error) if error.kind() == io::ErrorKind::AlreadyExists => exists(self.path),
            other => other,
        })
    }
}

fn exists(path: &Path) -> Failure {
    Failure::Own {
        code: "file_exists",
        message: format!("the file `{}` already exists; `--force` replaces it", path.display()),
        exit: 1,
    }
}

/// Reads an archive from a file, or from standard input for `-`.
pub fn read_file(path: &Path) -> Result<ArchiveFile, Failure> {
    let read = if path.as_os_str() == "-" {
        ArchiveFile::read(io::stdin().lock())
    } else {
        let file = File::open(path)
            .map_err(|error| Error::from(ArchiveError::System(format!("{}: {error}", path.display()))))?;
        ArchiveFile::read(BufReader::new(file))
    };
    Ok(read.map_err(Error::from)?)
}
