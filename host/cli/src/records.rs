//! `tokenlatch export` and `tokenlatch import`, and reading and writing archive files.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokenlatch::{ArchiveError, ArchiveFile, Error, Restored, place_file};

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Progress;

/// The options of an export.
#[derive(Args)]
pub struct Export {
    /// Export only this account
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Output file; standard output by default
    file: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

/// The options of an import.
#[derive(Args)]
pub struct Import {
    /// File written by `tokenlatch export`, or `-` for standard input
    file: PathBuf,
}

#[derive(Serialize)]
struct ImportedDocument<'a> {
    imported: &'a Restored,
}

impl Export {
    /// Writes JSON lines, without passwords and revoked tokens. Tokens appear only as hashes.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let target = self.file.as_deref().filter(|file| file.as_os_str() != "-");
        let target = target.map(|path| Target::new(path, self.force)).transpose()?;
        let service = context.open().await?;
        let progress = Progress::start("reading the database", context.output.wants_json());
        let export = service.export(self.user.as_deref()).await?;
        drop(progress);
        match target {
            Some(target) => target.write(&export)?,
            None => {
                let mut text = Vec::new();
                export.write(&mut text).map_err(Error::from)?;
                context.output.bytes(&text)?;
            }
        }
        context.output.remark(format_args!(
            "Exported {} accounts and {} tokens.",
            export.accounts.len(),
            export.tokens.len()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Import {
    /// Adds the accounts and tokens that are missing here.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let file = read_file(&self.file)?;
        let service = context.open_or_create().await?;
        let progress = Progress::start("importing", context.output.wants_json());
        let imported = service.import(&file).await?;
        drop(progress);
        if context.output.wants_json() {
            context.output.json(&ImportedDocument { imported: &imported })?;
        } else {
            context.output.line(format_args!(
                "Imported {} accounts and {} tokens.",
                imported.accounts, imported.revived
            ))?;
            if imported.left_revoked > 0 {
                context.output.line(format_args!(
                    "{} tokens were imported as revoked, because their account was removed here.",
                    imported.left_revoked
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

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
