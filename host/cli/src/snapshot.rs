//! `tokenlatch snapshot`: creates keys, writes signed snapshots to files, and inspects them.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;
use tokenlatch::core::{
    BodyState, ErrorCode, Inspected, Kind, MESSAGE_HEAD_BYTES, SigningKey, SnapshotOptions, inspect,
};
use tokenlatch::{
    Clock, ENTROPY_BYTES, Entropy, Error, KeyFileError, Publisher, PublisherOptions, Snapshot, SystemClock,
    SystemEntropy, key_file_text, read_peppers, read_snapshot_key,
};
use zeroize::Zeroizing;

use crate::archive_files::Target;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{BAD, FAINT, GOOD, styled};

/// The largest file to inspect, in bytes.
const MAX_FILE: u64 = 4 << 30;
/// The number of hex digits of a digest that are printed.
const SHOWN: usize = 16;

const KEYGEN_HELP: &str = "\
The private key signs snapshots: anyone who has it can admit any request at every edge. It is never printed. The public key is \
for the edges; it is not secret.

Examples:
  tokenlatch snapshot keygen snapshot.key
  tokenlatch serve --snapshot-key snapshot.key
  tokenlatch serve --follow https://origin:2087 --follow-key PUBLICKEY \\
    --follow-token-file token";

/// Manage the signed snapshots by which edges decide on their own
#[derive(Subcommand)]
pub enum Command {
    /// Create a key pair: the private key goes into a file that only you can read, the public key is printed
    #[command(after_help = KEYGEN_HELP)]
    Keygen {
        /// File for the private key
        file: PathBuf,
        /// Replace an existing file; edges that trust the old key need the new one
        #[arg(long)]
        force: bool,
    },
    /// Write a signed snapshot of the database to a file
    Publish(Publish),
    /// Make every edge load the whole table again; needed after the database was put back by other means than `db restore`,
    /// such as a failover that lost its last changes
    Renew,
    /// Print what a snapshot or a delta contains, and whether its signature is valid
    Inspect {
        /// The file
        file: PathBuf,
        /// Trusted public key; may be repeated
        #[arg(long = "key", value_name = "PUBLICKEY", value_delimiter = ',')]
        keys: Vec<String>,
    },
}

/// The options for writing a snapshot.
#[derive(Args)]
pub struct Publish {
    /// Private key file
    #[arg(long, value_name = "FILE", env = "TOKENLATCH_SNAPSHOT_KEY", hide_env_values = true)]
    key: PathBuf,
    /// Output file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How long an edge may decide by the snapshot, in seconds or as `90s`, `10m`, `24h`
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = age)]
    max_age: u32,
    /// Leave out the ids and names of tokens; the snapshot is smaller, but edges cannot report which token they admit
    #[arg(long)]
    no_names: bool,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyDocument<'a> {
    public_key: &'a str,
    file: &'a Path,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublishedDocument<'a> {
    file: &'a Path,
    bytes: usize,
    epoch: u64,
    version: u64,
    made: i64,
    max_age: u32,
    tokens: u32,
    public_key: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InspectedDocument {
    kind: Kind,
    epoch: u64,
    base: u64,
    version: u64,
    made: i64,
    max_age: u32,
    age: i64,
    stale: bool,
    names: bool,
    key_id: String,
    tokens: u32,
    users: u32,
    grants: u32,
    revoked: u32,
    bytes: u64,
    digest: String,
    body: BodyState,
    signature: Signature,
}

/// The result of checking the signature.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Signature {
    Good,
    Bad,
    NotChecked,
}

/// Parses a duration in seconds, minutes, hours or days.
pub fn age(text: &str) -> Result<u32, String> {
    let wrong = || "give a time of at least a second and at most a year, such as 90s, 10m or 24h".to_owned();
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let unit: u32 = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(unit)
        .filter(|seconds| (1..=366 * 86_400).contains(seconds))
        .ok_or_else(wrong)
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Failure {
        Failure::usage("key_file_invalid", error.to_string())
    }
}

impl Command {
    /// Runs the command.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self {
            Command::Keygen { file, force } => keygen(file, *force, context),
            Command::Publish(publish) => publish.run(context).await,
            Command::Renew => renew(context).await,
            Command::Inspect { file, keys } => inspect_file(file, keys, context),
        }
    }
}

async fn renew(context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let service = context.open().await?;
    service.begin_epoch().await?;
    let epoch = service.store().revision().await.map_err(Error::from)?.epoch;
    if context.output.wants_json() {
        context.output.json(&serde_json::json!({ "epoch": epoch }))?;
    } else {
        context.output.line(format_args!(
            "Started epoch {epoch}. Every edge loads the whole table again."
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn keygen(file: &Path, force: bool, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let target = Target::new(file, force)?;
    let mut entropy = Zeroizing::new([0; ENTROPY_BYTES]);
    SystemEntropy.fill(&mut entropy)?;
    let mut seed = Zeroizing::new([0; 32]);
    seed.iter_mut().zip(entropy.iter()).for_each(|(to, from)| *to = *from);
    let key = SigningKey::from_secret_bytes(&seed).map_err(Error::from)?;
    let public_key = key.public_key();
    target.put(|output| Ok(output.write_all(key_file_text(&seed, &public_key).as_bytes())?))?;
    if context.output.wants_json() {
        context.output.json(&KeyDocument {
            public_key: &public_key,
            file,
        })?;
    } else {
        context.output.line(&public_key)?;
        context.output.remark(format_args!(
            "This is the public key, for edges. The private key is in {}, which only you can read.",
            file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

impl Publish {
    async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let target = Target::new(&self.out, self.force)?;
        let key = Arc::new(read_snapshot_key(&self.key)?);
        let service = context.open().await?;
        let options = PublisherOptions {
            max_age: self.max_age,
            names: !self.no_names,
        };
        let publisher = Publisher::new(service, key, options);
        let message = publisher.snapshot().await?;
        let (head, body) = message.parts();
        target.put(|output| {
            output.write_all(head)?;
            Ok(output.write_all(body)?)
        })?;
        let told = inspect(head).map_err(Error::from)?;
        let (bytes, public_key) = (head.len().saturating_add(body.len()), publisher.public_key());
        if context.output.wants_json() {
            context.output.json(&PublishedDocument {
                file: target.path(),
                bytes,
                epoch: told.epoch,
                version: told.version,
                made: told.made,
                max_age: told.max_age,
                tokens: told.rows,
                public_key: &public_key,
            })?;
        } else {
            context.output.line(format_args!(
                "Wrote {} tokens, version {} of epoch {}, to {}: {bytes} bytes, valid for {} seconds.",
                told.rows,
                told.version,
                told.epoch,
                target.path().display(),
                told.max_age
            ))?;
            context.output.line(format_args!("Public key: {public_key}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn inspect_file(file: &Path, keys: &[String], context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    let unreadable = |error: std::io::Error| Failure::Own {
        code: "file_unreadable",
        message: format!("the file `{}` cannot be read: {error}", file.display()),
        exit: 5,
    };
    let mut message = Vec::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    opened.take(MAX_FILE).read_to_end(&mut message).map_err(unreadable)?;
    let told = inspect(&message).map_err(|_| Failure::Own {
        code: "snapshot_malformed",
        message: format!("`{}` is not a snapshot or delta", file.display()),
        exit: 1,
    })?;
    let body = told.body_state(&message);
    let head = message.get(..MESSAGE_HEAD_BYTES).unwrap_or(&message);
    let signature = signature(head, &told, keys, context)?;
    let age = SystemClock.now()?.saturating_sub(told.made);
    let document = InspectedDocument {
        kind: told.kind,
        epoch: told.epoch,
        base: told.base,
        version: told.version,
        made: told.made,
        max_age: told.max_age,
        age,
        stale: age > i64::from(told.max_age),
        names: told.names,
        key_id: told.key_id,
        tokens: told.rows,
        users: told.users,
        grants: told.grants,
        revoked: told.revoked,
        bytes: message.len() as u64,
        digest: told.digest,
        body,
        signature,
    };
    if context.output.wants_json() {
        context.output.json(&document)?;
    } else {
        document.lines(context)?;
    }
    Ok(ExitCode::from(u8::from(
        signature == Signature::Bad || body != BodyState::Whole,
    )))
}

/// Checks whether one of the keys signed the message.
fn signature(head: &[u8], told: &Inspected, keys: &[String], context: &mut Context<'_>) -> Result<Signature, Failure> {
    if keys.is_empty() {
        return Ok(Signature::NotChecked);
    }
    let options = SnapshotOptions {
        public_keys: keys.to_vec(),
        peppers: context.pepper_file().map_or_else(|| Ok(Vec::new()), read_peppers)?,
        ..SnapshotOptions::default()
    };
    let mut snapshot = Snapshot::new(&Context::module()?, &options).map_err(|error| wrong_key("--key", error))?;
    // At the message's own time, because its age is reported separately.
    match snapshot.begin(head, told.made) {
        Ok(_) => Ok(Signature::Good),
        // A delta has no base here, but its signature was checked first.
        Err(Error::Refused(error)) if error.code == ErrorCode::SnapshotGap => Ok(Signature::Good),
        Err(Error::Refused(error)) if error.code == ErrorCode::SnapshotSignature => Ok(Signature::Bad),
        Err(error) => Err(error.into()),
    }
}

/// Returns the error for an invalid public key in a flag.
pub fn wrong_key(flag: &str, error: Error) -> Failure {
    match error {
        Error::Refused(error) if error.code == ErrorCode::KeyInvalid => {
            Failure::usage("key_invalid", format!("`{flag}`: {}", error.message))
        }
        error => error.into(),
    }
}

impl InspectedDocument {
    fn lines(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let output = &mut *context.output;
        let kind = match self.kind {
            Kind::Snapshot => "snapshot".to_owned(),
            Kind::Delta => format!("delta from version {}", self.base),
        };
        output.line(format_args!("kind       {kind}"))?;
        output.line(format_args!("epoch      {}", self.epoch))?;
        output.line(format_args!("version    {}", self.version))?;
        let age = format!("{} seconds old, valid for {}", self.age, self.max_age);
        let age = if self.stale { styled(BAD, age) } else { age };
        output.line(format_args!("made       {} ({age})", self.made))?;
        output.line(format_args!(
            "tokens     {} of {} users, {} kinds of grant",
            self.tokens, self.users, self.grants
        ))?;
        if self.kind == Kind::Delta {
            output.line(format_args!("revoked    {}", self.revoked))?;
        }
        output.line(format_args!("names      {}", if self.names { "yes" } else { "no" }))?;
        let body = match self.body {
            BodyState::Whole => format!("sha256 {}…", self.digest.get(..SHOWN).unwrap_or_default()),
            BodyState::Cut => styled(BAD, "the body is truncated, or has trailing bytes"),
            BodyState::Changed => styled(BAD, "the body was changed"),
        };
        output.line(format_args!("size       {} bytes; body: {body}", self.bytes))?;
        let signature = match self.signature {
            Signature::Good => styled(GOOD, "valid"),
            Signature::Bad => styled(BAD, "invalid: signed by another key, or the head was changed"),
            Signature::NotChecked => styled(FAINT, "not checked; `--key PUBLICKEY` checks it"),
        };
        output.line(format_args!("signature  by the key {}: {signature}", self.key_id))
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn duration_without_a_unit_is_in_seconds() {
        assert_eq!(age("90"), Ok(90));
        assert_eq!(age("10m"), Ok(600));
        assert_eq!(age("24h"), Ok(86_400));
        for spoilt in ["", "s", "0", "0s", "-1", "1w", "1.5h", "99999999999", "367d", "1 h"] {
            assert!(age(spoilt).is_err(), "{spoilt}");
        }
    }
}
