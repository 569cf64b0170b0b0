//! `tokenlatch export` and `tokenlatch import`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokenlatch::{Error, Restored};

use crate::archive_files::{Target, read_file};
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
