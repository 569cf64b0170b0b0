//! The archive file: JSON lines with a header, the accounts, the tokens, and the SHA-256 of all lines before. A truncated
//! or corrupted file is refused before anything is changed.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokenlatch_core::{Account, Caps, Features, Policy, Record};

use crate::archive_error::{ArchiveError, FORMAT};
use crate::hex::hex;
use crate::store::{Archive, ArchivedAccount, ArchivedToken, NewAccount, PasswordHash, Revision, StoredToken};

/// The largest line in bytes; a record has some hundreds.
const MAX_LINE: u64 = 1 << 20;

/// The kind of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArchiveKind {
    /// Everything, for a restore.
    #[serde(rename = "tokenlatch-backup")]
    Backup,
    /// Accounts without passwords and tokens that are not revoked, for an import elsewhere.
    #[serde(rename = "tokenlatch-export")]
    Export,
}

/// The accounts and tokens of an archive file.
#[derive(Clone, Debug)]
pub struct ArchiveFile {
    /// The kind of the archive.
    pub kind: ArchiveKind,
    /// When the archive was made, in Unix seconds.
    pub made: i64,
    /// The store's revision. An archive that was read from a file has none for the change.
    pub revision: Revision,
    /// Tokens revoked before this time, in Unix seconds, may be missing.
    pub pruned: i64,
    /// The accounts.
    pub accounts: Vec<ArchivedAccount>,
    /// The tokens.
    pub tokens: Vec<ArchivedToken>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kind: ArchiveKind,
    format: u32,
    made: i64,
    epoch: i64,
    revision: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pruned: i64,
    accounts: u64,
    tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// The part of a header that all versions share.
#[derive(Deserialize)]
struct AnyHeader {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Account(AccountLine),
    Token(TokenLine),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountLine {
    key: String,
    user: String,
    suspended: bool,
    features: Features,
    created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_lifetime: Option<i64>,
    #[serde(default)]
    expiry_required: bool,
    #[serde(default, skip_serializing_if = "Caps::is_default")]
    caps: Caps,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    administrator: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenLine {
    /// The account's key.
    account: String,
    record: Record,
}

impl ArchiveFile {
    pub(super) fn new(kind: ArchiveKind, made: i64, archive: Archive) -> ArchiveFile {
        ArchiveFile {
            kind,
            made,
            revision: archive.revision,
            pruned: archive.pruned,
            accounts: archive.accounts,
            tokens: archive.tokens,
        }
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// [`ArchiveError::System`].
    pub fn write(&self, output: impl Write) -> Result<(), ArchiveError> {
        let mut lines = Lines {
            output,
            digest: Sha256::new(),
        };
        lines.write(&Header {
            kind: self.kind,
            format: FORMAT,
            made: self.made,
            epoch: self.revision.epoch,
            revision: self.revision.number,
            pruned: self.pruned,
            accounts: self.accounts.len() as u64,
            tokens: self.tokens.len() as u64,
        })?;
        for account in &self.accounts {
            lines.write(&Line::Account(AccountLine::from(account)))?;
        }
        for token in &self.tokens {
            lines.write(&Line::Token(TokenLine {
                account: token.account.clone(),
                record: token.token.record.clone(),
            }))?;
        }
        let trailer = trailer(lines.digest);
        lines.output.write_all(trailer.as_bytes())?;
        lines.output.flush()?;
        Ok(())
    }

    /// Reads an archive to its end. Refuses it if any byte was changed.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`], [`ArchiveError::Newer`], [`ArchiveError::System`].
    pub fn read(mut input: impl BufRead) -> Result<ArchiveFile, ArchiveError> {
        let mut lines = Vec::new();
        let mut digest = Sha256::new();
        loop {
            let mut line = Vec::new();
            let number = lines.len() as u64 + 1;
            input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                return Err(damaged(number, "it is truncated"));
            }
            if line.starts_with(b"{\"sha256\":") {
                if line != trailer(digest).into_bytes() {
                    return Err(damaged(number, "the digest does not match"));
                }
                break;
            }
            digest.update(&line);
            lines.push(line);
        }
        let mut after = [0];
        if input.read(&mut after)? != 0 {
            return Err(damaged(lines.len() as u64 + 2, "it has trailing data"));
        }
        ArchiveFile::from_lines(&lines)
    }

    fn from_lines(lines: &[Vec<u8>]) -> Result<ArchiveFile, ArchiveError> {
        let (header, rest) = lines.split_first().ok_or_else(|| damaged(1, "it has no header"))?;
        let any: AnyHeader = serde_json::from_slice(header).map_err(|_| damaged(1, "its header is invalid"))?;
        if any.format > FORMAT {
            return Err(ArchiveError::Newer(any.format));
        }
        let header: Header = serde_json::from_slice(header).map_err(|_| damaged(1, "its header is invalid"))?;
        let mut file = ArchiveFile {
            kind: header.kind,
            made: header.made,
            revision: Revision {
                epoch: header.epoch,
                number: header.revision,
                change: 0,
            },
            pruned: header.pruned,
            accounts: Vec::new(),
            tokens: Vec::new(),
        };
        for (number, line) in (2..).zip(rest) {
            match serde_json::from_slice(line).map_err(|_| damaged(number, "it is neither an account nor a token"))? {
                Line::Account(account) => file.accounts.push(account.into()),
                Line::Token(token) => file.tokens.push(ArchivedToken {
                    account: token.account,
                    token: StoredToken {
                        record: token.record,
                        revision: 1,
                    },
                }),
            }
        }
        if (file.accounts.len() as u64, file.tokens.len() as u64) != (header.accounts, header.tokens) {
            return Err(damaged(1, "the header's counts do not match"));
        }
        Ok(file)
    }
}

/// Writes lines and computes their digest.
struct Lines<W> {
    output: W,
    digest: Sha256,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &impl Serialize) -> Result<(), ArchiveError> {
        let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
        text.push(b'\n');
        self.digest.update(&text);
        self.output.write_all(&text)?;
        Ok(())
    }
}

fn trailer(digest: Sha256) -> String {
    format!("{{\"sha256\":\"{}\"}}\n", hex(&digest.finalize()))
}

fn damaged(line: u64, reason: &'static str) -> ArchiveError {
    ArchiveError::Damaged { line, reason }
}

impl From<&ArchivedAccount> for AccountLine {
    fn from(found: &ArchivedAccount) -> AccountLine {
        let NewAccount {
            key,
            account,
            policy,
            password,
        } = &found.account;
        AccountLine {
            key: key.clone(),
            user: account.user.clone(),
            suspended: account.suspended,
            features: account.features.clone(),
            created: found.created,
            removed: found.removed,
            max_lifetime: policy.max_lifetime,
            expiry_required: policy.expiry_required,
            caps: policy.caps,
            password: password.as_ref().map(|password| password.expose().to_owned()),
            administrator: account.administrator,
        }
    }
}

impl From<AccountLine> for ArchivedAccount {
    fn from(line: AccountLine) -> ArchivedAccount {
        ArchivedAccount {
            account: NewAccount {
                key: line.key,
                account: Account {
                    user: line.user,
                    suspended: line.suspended,
                    administrator: line.administrator,
                    features: line.features,
                },
                policy: Policy {
                    max_lifetime: line.max_lifetime,
                    expiry_required: line.expiry_required,
                    caps: line.caps,
                },
                password: line.password.map(PasswordHash::new),
            },
            created: line.created,
            removed: line.removed,
        }
    }
}
