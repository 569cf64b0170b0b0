//! Plans a restore. It never undoes a revocation, and never revives a token without the caller's consent.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::file::ArchiveFile;
use crate::archive_error::ArchiveError;
use crate::error::Result;
use crate::store::{Archive, ArchivedToken, Plan, StoredToken};

/// What to do with live tokens of a backup that the store does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revived {
    /// They work again.
    Keep,
    /// They are restored as revoked tokens.
    Revoke,
}

/// What to do with live tokens of the store that were created or changed after the backup was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newer {
    /// They stay as they are.
    Keep,
    /// They are revoked.
    Revoke,
}

/// What to do with tokens on which the backup and the store disagree.
#[derive(Clone, Copy, Debug)]
pub struct RestoreChoice {
    /// Tokens that would come back. With `None`, the restore fails if there are any.
    pub revived: Option<Revived>,
    /// Tokens that the backup does not know.
    pub newer: Newer,
}

/// The result of a restore.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The age of the file, in seconds.
    pub age: i64,
    /// The number of accounts added, not counting removed ones.
    pub accounts: u64,
    /// The number of live tokens restored.
    pub revived: u64,
    /// The number of live tokens restored as revoked, by choice or because their account is gone or their name is taken.
    pub left_revoked: u64,
    /// The number of tokens restored as revoked because they are revoked in the file.
    pub tombstones: u64,
    /// The number of tokens here that were revoked because they are revoked in the file.
    pub revoked_by_file: u64,
    /// The number of live tokens here that are not in the file or differ from it.
    pub newer: u64,
    /// Whether those were revoked.
    pub newer_revoked: bool,
    /// Names of tokens that were restored as revoked because another token here has the name.
    pub names_taken: Vec<String>,
}

impl Restored {
    /// The age of the file, in words.
    #[must_use]
    pub fn age_in_words(&self) -> String {
        duration_text(self.age)
    }
}

/// The account in the store that tokens of the file go to.
struct Target {
    key: String,
    /// The account's user; `None` if it is removed.
    user: Option<String>,
}

/// Makes the plan. `revoke` has the module revoke tokens.
pub(super) fn make(
    file: &ArchiveFile,
    present: Archive,
    choice: RestoreChoice,
    now: i64,
    revoke: impl Fn(i64, Vec<StoredToken>) -> Result<Vec<StoredToken>>,
) -> Result<(Plan, Restored)> {
    let mut plan = Plan {
        since: present.revision,
        pruned: present.pruned.max(file.pruned),
        accounts: Vec::new(),
        tokens: Vec::new(),
        changes: Vec::new(),
    };
    let mut restored = Restored {
        age: now.saturating_sub(file.made).max(0),
        newer_revoked: choice.newer == Newer::Revoke,
        ..Restored::default()
    };
    // Revoked tokens of that time may have been pruned here, so live tokens of the file may have been revoked since.
    let revived = if file.made < present.pruned {
        Some(Revived::Revoke)
    } else {
        choice.revived
    };
    let targets = targets(file, &present, &mut plan);
    restored.accounts = plan.accounts.iter().filter(|added| added.removed.is_none()).count() as u64;

    let in_file: HashMap<&str, &ArchivedToken> = file
        .tokens
        .iter()
        .map(|token| (token.token.record.id.as_str(), token))
        .collect();
    let known: HashSet<String> = present
        .tokens
        .iter()
        .map(|found| found.token.record.id.clone())
        .collect();
    let (mut names, mut revoked) = (HashSet::new(), Vec::new());
    for ArchivedToken { account, token } in present.tokens {
        if token.record.revoked.is_some() {
            continue;
        }
        let other = in_file.get(token.record.id.as_str()).map(|other| &other.token.record);
        let said_revoked = other.is_some_and(|other| other.revoked.is_some());
        let newer = other.is_none_or(|other| *other != token.record) && !said_revoked;
        restored.revoked_by_file += u64::from(said_revoked);
        restored.newer += u64::from(newer);
        if said_revoked || (newer && choice.newer == Newer::Revoke) {
            revoked.push(token);
        } else {
            names.insert((account, token.record.name));
        }
    }
    plan.changes = revoke(now, revoked)?;

    let (mut withheld, mut dead) = (Vec::new(), Vec::new());
    for token in file
        .tokens
        .iter()
        .filter(|token| !known.contains(&token.token.record.id))
    {
        let Some(target) = targets.get(token.account.as_str()) else {
            return Err(ArchiveError::Damaged {
                line: 1,
                reason: "a token belongs to no account",
            }
            .into());
        };
        let mut new = ArchivedToken {
            account: target.key.clone(),
            token: token.token.clone(),
        };
        if new.token.record.revoked.is_some() {
            restored.tombstones += 1;
            dead.push(new);
            continue;
        }
        let Some(user) = &target.user else {
            withheld.push(new);
            continue;
        };
        new.token.record.user.clone_from(user);
        if !names.insert((new.account.clone(), new.token.record.name.clone())) {
            restored.names_taken.push(new.token.record.name.clone());
            withheld.push(new);
            continue;
        }
        restored.revived += 1;
        match revived {
            Some(Revived::Revoke) => withheld.push(new),
            _ => plan.tokens.push(new),
        }
    }
    if restored.revived > 0 && revived.is_none() {
        return Err(ArchiveError::Revives {
            tokens: restored.revived,
            age: duration_text(restored.age),
        }
        .into());
    }
    if revived == Some(Revived::Revoke) {
        restored.revived = 0;
    }
    restored.left_revoked = withheld.len() as u64;
    let (keys, tokens): (Vec<_>, Vec<_>) = withheld
        .into_iter()
        .chain(dead)
        .map(|new| (new.account, new.token))
        .unzip();
    let tokens = revoke(now, tokens)?;
    plan.tokens.extend(
        keys.into_iter()
            .zip(tokens)
            .map(|(account, token)| ArchivedToken { account, token }),
    );
    Ok((plan, restored))
}

/// Maps each account of the file to the account that its tokens go to. An account that the store has, by key or by name, stays
/// as it is there, even if it was renamed or removed. The others are added.
fn targets<'f>(file: &'f ArchiveFile, present: &Archive, plan: &mut Plan) -> HashMap<&'f str, Target> {
    let by_key: HashMap<&str, _> = present
        .accounts
        .iter()
        .map(|found| (found.account.key.as_str(), found))
        .collect();
    let by_user: HashMap<&str, _> = present
        .accounts
        .iter()
        .filter(|found| found.removed.is_none())
        .map(|found| (found.account.account.user.as_str(), found))
        .collect();
    let mut targets = HashMap::new();
    for account in &file.accounts {
        let user = account.account.account.user.as_str();
        let of_same_name = by_user.get(user).filter(|_| account.removed.is_none());
        let target = match by_key.get(account.account.key.as_str()).or(of_same_name) {
            Some(there) => *there,
            None => {
                plan.accounts.push(account.clone());
                account
            }
        };
        targets.insert(
            account.account.key.as_str(),
            Target {
                key: target.account.key.clone(),
                user: target.removed.is_none().then(|| target.account.account.user.clone()),
            },
        );
    }
    targets
}

/// Formats a duration in words.
fn duration_text(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
