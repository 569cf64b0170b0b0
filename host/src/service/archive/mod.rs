//! Archives of accounts and tokens: backup and restore, export and import, and the check for damage.

mod file;
mod restore_plan;

use tokenlatch_core::{Account, Record, ValidateRequest};

pub use file::{ArchiveFile, ArchiveKind};
pub use restore_plan::{Newer, RestoreChoice, Restored, Revived};

use super::accounts::revoke;
use super::{RECORDS_PER_CALL, Service, TRIES};
use crate::archive_error::ArchiveError;
use crate::error::Result;
use crate::store::{Archive, Plan, StoreError};

impl Service {
    /// Returns everything that the store holds, including revoked tokens, removed accounts and password hashes.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn backup(&self) -> Result<ArchiveFile> {
        let made = self.clock.now()?;
        Ok(ArchiveFile::new(ArchiveKind::Backup, made, self.store.archive().await?))
    }

    /// Returns the accounts without their passwords and the tokens that are not revoked, of one user or of all.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn export(&self, user: Option<&str>) -> Result<ArchiveFile> {
        if let Some(user) = user {
            self.settings(user).await?;
        }
        let made = self.clock.now()?;
        let Archive {
            revision,
            pruned,
            mut accounts,
            mut tokens,
        } = self.store.archive().await?;
        accounts.retain(|found| found.removed.is_none() && user.is_none_or(|user| found.account.account.user == user));
        for account in &mut accounts {
            account.account.password = None;
        }
        tokens.retain(|found| {
            found.token.record.revoked.is_none() && user.is_none_or(|user| found.token.record.user == user)
        });
        let archive = Archive {
            revision,
            pruned,
            accounts,
            tokens,
        };
        Ok(ArchiveFile::new(ArchiveKind::Export, made, archive))
    }

    /// Restores what a backup holds and this store lacks. What is revoked or removed here stays so. Accounts and tokens that
    /// are in both stay as they are here, except that a token which the backup has as revoked is revoked.
    ///
    /// # Errors
    /// `archive_kind` if the archive is not a backup; `restore_revives` if live tokens that this store does not know would
    /// come back and `choice` does not say what to do with them; refusals of the module for an invalid record or account;
    /// failures of the store.
    pub async fn restore(&self, file: &ArchiveFile, choice: RestoreChoice) -> Result<Restored> {
        if file.kind != ArchiveKind::Backup {
            return Err(ArchiveError::Kind.into());
        }
        self.absorb(file, choice, false).await
    }

    /// Adds the accounts and tokens of an export or a backup that this store lacks. What is revoked or removed here stays so.
    ///
    /// # Errors
    /// `name_taken` if another token here has the name; refusals of the module; failures of the store.
    pub async fn import(&self, file: &ArchiveFile) -> Result<Restored> {
        let choice = RestoreChoice {
            revived: Some(Revived::Keep),
            newer: Newer::Keep,
        };
        self.absorb(file, choice, true).await
    }

    /// Begins a new epoch: every holder of a table of this store loads it again completely. Use it for a database that was put
    /// back by other means than [`Service::restore`], in which revision numbers that edges know stand for other changes.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn begin_epoch(&self) -> Result<()> {
        for _ in 0..TRIES {
            let nothing = Plan {
                since: self.store.revision().await?,
                pruned: 0,
                changes: Vec::new(),
                accounts: Vec::new(),
                tokens: Vec::new(),
            };
            match self.store.apply(&nothing).await {
                Err(StoreError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn absorb(&self, file: &ArchiveFile, choice: RestoreChoice, names_matter: bool) -> Result<Restored> {
        self.check_file(file)?;
        for _ in 0..TRIES {
            let now = self.clock.now()?;
            let present = self.store.archive().await?;
            let (plan, restored) = restore_plan::make(file, present, choice, now, |now, tokens| {
                revoke(&self.module, now, &tokens)
            })?;
            if names_matter && !restored.names_taken.is_empty() {
                return Err(StoreError::NameTaken.into());
            }
            match self.store.apply(&plan).await {
                Err(StoreError::Conflict) => {}
                outcome => return Ok(outcome.map(|()| restored)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Checks the store for damage and for records that the module cannot read. Returns one sentence for each finding.
    ///
    /// # Errors
    /// Failures of the module and the store.
    pub async fn check(&self) -> Result<Vec<String>> {
        let mut found = self.store.check().await?;
        if !found.is_empty() {
            return Ok(found);
        }
        let archive = self.store.archive().await?;
        for account in &archive.accounts {
            if let Err(error) = self.read_account(&account.account.account) {
                found.push(format!("the account `{}`: {error}", account.account.account.user));
            }
        }
        for token in &archive.tokens {
            if let Err(error) = self.read_records(vec![token.token.record.clone()]) {
                found.push(format!("the token `{}`: {error}", token.token.record.id));
            }
        }
        Ok(found)
    }

    fn check_file(&self, file: &ArchiveFile) -> Result<()> {
        for account in &file.accounts {
            self.read_account(&account.account.account)?;
        }
        for batch in file.tokens.chunks(RECORDS_PER_CALL) {
            self.read_records(batch.iter().map(|token| token.token.record.clone()).collect())?;
        }
        Ok(())
    }

    /// Has the module check an account.
    fn read_account(&self, account: &Account) -> Result<()> {
        let request = ValidateRequest {
            account: Some(account.clone()),
            ..ValidateRequest::default()
        };
        self.module.validate(&request)?.accepted()?;
        Ok(())
    }

    /// Has the module check records.
    fn read_records(&self, records: Vec<Record>) -> Result<()> {
        let request = ValidateRequest {
            records,
            ..ValidateRequest::default()
        };
        self.module.validate(&request)?.accepted()?;
        Ok(())
    }
}
