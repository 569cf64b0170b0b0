//! `tokenlatch db`: backup, restore, check.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tokenlatch::{KEPT_REVOKED_DAYS, Newer, RestoreChoice, Restored, Revived};

use crate::archive_files::{Target, read_file};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Progress;

const RESTORE_HELP: &str = "\
Tokens and accounts that were revoked or removed in this database are not restored. Live tokens in the file that are missing \
in this database may have been revoked after the backup: `--revived` says whether to keep or to revoke them.

Examples:
  tokenlatch db restore backup.jsonl --revived=revoke
  tokenlatch db restore backup.jsonl --revived=keep --database postgres://…";

/// Back up, restore and check the database
#[derive(Subcommand)]
pub enum Command {
    /// Write a backup to a file that only you can read
    Backup {
        /// The file
        file: PathBuf,
        /// Replace an existing file, after the new one is complete
        #[arg(long)]
        force: bool,
    },
    /// Restore accounts and tokens of a backup that are missing in this database
    #[command(after_help = RESTORE_HELP)]
    Restore(Restore),
    /// Check for damage: pages, guards, every record
    Check,
    /// Delete tokens that were revoked long ago; a server does so automatically
    ///
    /// An older backup cannot bring such a token back to life: it is restored as a revoked one.
    Prune {
        /// Days for which revoked tokens are kept
        #[arg(long, value_name = "DAYS", default_value_t = KEPT_REVOKED_DAYS)]
        #[arg(value_parser = clap::value_parser!(u32).range(..=36_500))]
        revoked_for: u32,
    },
}

/// The options of a restore.
#[derive(Args)]
pub struct Restore {
    /// The backup file, or `-` for standard input
    file: PathBuf,
    /// What to do with live tokens of the backup that this database does not know
    #[arg(long, value_enum)]
    revived: Option<RevivedArg>,
    /// What to do with live tokens of this database that were created or changed after the backup
    #[arg(long, value_enum, default_value_t = NewerArg::Keep)]
    newer: NewerArg,
}

#[derive(Clone, Copy, ValueEnum)]
enum RevivedArg {
    /// Keep them live
    Keep,
    /// Restore them as revoked
    Revoke,
}

#[derive(Clone, Copy, ValueEnum)]
enum NewerArg {
    /// Keep them
    Keep,
    /// Revoke them
    Revoke,
}

#[derive(Serialize)]
struct BackupDocument {
    accounts: usize,
    tokens: usize,
}

#[derive(Serialize)]
struct RestoredDocument<'a> {
    restored: &'a Restored,
}

#[derive(Serialize)]
struct PrunedDocument {
    pruned: u64,
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    sound: bool,
    findings: &'a [String],
}

impl Command {
    /// Runs the command.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self {
            Command::Backup { file, force } => backup(context, Target::new(file, *force)?).await,
            Command::Restore(restore) => restore.run(context).await,
            Command::Check => check(context).await,
            Command::Prune { revoked_for } => prune(context, *revoked_for).await,
        }
    }
}

async fn prune(context: &mut Context<'_>, days: u32) -> Result<ExitCode, Failure> {
    let service = context.open().await?;
    let tokens = service.prune(days).await?;
    if context.output.wants_json() {
        context.output.json(&PrunedDocument { pruned: tokens })?;
    } else {
        context.output.line(format_args!(
            "Removed {tokens} tokens that were revoked more than {days} days ago."
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn backup(context: &mut Context<'_>, target: Target<'_>) -> Result<ExitCode, Failure> {
    let service = context.open().await?;
    let progress = Progress::start("reading the database", context.output.wants_json());
    let file = service.backup().await?;
    target.write(&file)?;
    drop(progress);
    let (accounts, tokens) = (file.accounts.len(), file.tokens.len());
    if context.output.wants_json() {
        context.output.json(&BackupDocument { accounts, tokens })?;
    } else {
        context.output.line(format_args!(
            "Wrote {accounts} accounts and {tokens} tokens, including removed and revoked ones, to {}. Store it where \
             only you can read it.",
            target.path().display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Restore {
    async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let file = read_file(&self.file)?;
        let service = context.open_or_create().await?;
        let choice = RestoreChoice {
            revived: self.revived.map(|revived| match revived {
                RevivedArg::Keep => Revived::Keep,
                RevivedArg::Revoke => Revived::Revoke,
            }),
            newer: match self.newer {
                NewerArg::Keep => Newer::Keep,
                NewerArg::Revoke => Newer::Revoke,
            },
        };
        let progress = Progress::start("restoring", context.output.wants_json());
        let restored = service.restore(&file, choice).await?;
        drop(progress);
        if context.output.wants_json() {
            context.output.json(&RestoredDocument { restored: &restored })?;
            return Ok(ExitCode::SUCCESS);
        }
        for line in restore_summary(&restored) {
            context.output.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Formats the result of a restore as lines of text.
fn restore_summary(restored: &Restored) -> Vec<String> {
    let mut lines = vec![
        format!("The backup was made {} ago.", restored.age_in_words()),
        format!(
            "Restored {} accounts, {} live tokens and {} tokens as revoked.",
            restored.accounts, restored.revived, restored.left_revoked
        ),
    ];
    if !restored.names_taken.is_empty() {
        lines.push(format!(
            "Revoked because another token has the same name: {}.",
            restored.names_taken.join(", ")
        ));
    }
    if restored.revoked_by_file > 0 {
        lines.push(format!(
            "Revoked {} tokens that are revoked in the backup.",
            restored.revoked_by_file
        ));
    }
    if restored.newer > 0 {
        lines.push(if restored.newer_revoked {
            format!(
                "Revoked {} tokens that were created or changed after the backup.",
                restored.newer
            )
        } else {
            format!(
                "Kept {} tokens that were created or changed after the backup; `--newer=revoke` revokes them.",
                restored.newer
            )
        });
    }
    lines
}

async fn check(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let service = context.open().await?;
    let progress = Progress::start("reading every record", context.output.wants_json());
    let findings = service.check().await?;
    drop(progress);
    let sound = findings.is_empty();
    if context.output.wants_json() {
        context.output.json(&CheckDocument {
            sound,
            findings: &findings,
        })?;
    } else if sound {
        context.output.line("The database is intact.")?;
    } else {
        for finding in &findings {
            context.output.line(finding)?;
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(3) })
}
