//! Accounts: the users that tokens act as.

use tokenlatch_core::{Access, Account, Features, Policy, RevokeRequest, ValidateRequest};
use zeroize::Zeroizing;

use super::{RECORDS_PER_CALL, Service, TRIES};
use crate::error::Result;
use crate::module::Module;
use crate::store::{NewAccount, Settings, StoreError, StoredAccount, StoredToken};
use crate::{entropy, offload};

/// Up to this many tokens are revoked in place; more are revoked on a blocking thread.
const FEW: usize = 4;

/// The length of an account's key, in hexadecimal digits.
const KEY: usize = 24;

impl Service {
    /// Adds an account.
    ///
    /// # Errors
    /// `account_exists`; `user_*` and `feature_invalid` of the module; failures of the store.
    pub async fn add_account(&self, user: &str, features: Features) -> Result<()> {
        self.add_account_with(user, features, Policy::default(), None).await
    }

    /// Adds an account with a policy for its tokens and a password.
    ///
    /// # Errors
    /// `account_exists`, `password_length`, `entropy_unavailable`; `user_*`, `feature_invalid` and `value_invalid` of
    /// the module; failures of the store.
    pub async fn add_account_with(
        &self,
        user: &str,
        features: Features,
        policy: Policy,
        password: Option<Zeroizing<String>>,
    ) -> Result<()> {
        self.add(user, features, policy, password, false).await
    }

    /// Adds an account that may use the administrator's page; otherwise as [`Service::add_account_with`].
    ///
    /// # Errors
    /// As [`Service::add_account_with`].
    pub async fn add_administrator_with(
        &self,
        user: &str,
        features: Features,
        policy: Policy,
        password: Option<Zeroizing<String>>,
    ) -> Result<()> {
        self.add(user, features, policy, password, true).await
    }

    async fn add(
        &self,
        user: &str,
        features: Features,
        policy: Policy,
        password: Option<Zeroizing<String>>,
        administrator: bool,
    ) -> Result<()> {
        let account = Account {
            user: user.to_owned(),
            suspended: false,
            administrator,
            features,
        };
        self.check_account(&account).await?;
        self.check_policy(policy).await?;
        let now = self.clock.now()?;
        let password = match password {
            Some(password) => Some(self.hash_password(password).await?),
            None => None,
        };
        let new = NewAccount {
            key: self.new_key()?,
            account,
            policy,
            password,
        };
        Ok(self.store.add_account(&new, now).await?)
    }

    /// Returns all accounts, sorted by user.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn accounts(&self) -> Result<Vec<StoredAccount>> {
        Ok(self.store.accounts().await?)
    }

    /// Returns a user's account.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn account(&self, user: &str) -> Result<StoredAccount> {
        let account = self.store.account(user).await?;
        Ok(account.ok_or_else(|| StoreError::AccountUnknown(user.to_owned()))?)
    }

    /// Returns the settings of a user's account that decisions need.
    pub(super) async fn settings(&self, user: &str) -> Result<Settings> {
        let settings = self.store.settings(user).await?;
        Ok(settings.ok_or_else(|| StoreError::AccountUnknown(user.to_owned()))?)
    }

    /// Suspends or resumes an account.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn set_suspended(&self, user: &str, suspended: bool) -> Result<()> {
        Ok(self.store.set_suspended(user, suspended).await?)
    }

    /// Replaces the features of an account.
    ///
    /// # Errors
    /// `account_unknown`; `feature_invalid` of the module; failures of the store.
    pub async fn set_features(&self, user: &str, features: Features) -> Result<()> {
        let features = self.checked_features(user, features).await?;
        Ok(self.store.set_features(user, &features).await?)
    }

    /// Replaces an account's features if they still equal `was`. Returns `false`, and changes nothing, if they do not.
    ///
    /// # Errors
    /// As [`Service::set_features`].
    pub async fn replace_features(&self, user: &str, was: &Features, features: Features) -> Result<bool> {
        let features = self.checked_features(user, features).await?;
        Ok(self.store.replace_features(user, was, &features).await?)
    }

    async fn checked_features(&self, user: &str, features: Features) -> Result<Features> {
        let account = Account {
            user: user.to_owned(),
            suspended: false,
            administrator: false,
            features,
        };
        self.check_account(&account).await?;
        Ok(account.features)
    }

    /// Replaces the policy for an account's new tokens. Existing tokens are not changed.
    ///
    /// # Errors
    /// `account_unknown`; `value_invalid` of the module; failures of the store.
    pub async fn set_policy(&self, user: &str, policy: Policy) -> Result<()> {
        self.settings(user).await?;
        self.check_policy(policy).await?;
        Ok(self.store.set_policy(user, &policy).await?)
    }

    /// Checks a policy, and that it leaves room for a token.
    async fn check_policy(&self, policy: Policy) -> Result<()> {
        let request = ValidateRequest {
            policy: Some(policy),
            access: Some(Access::Full),
            ..ValidateRequest::default()
        };
        self.validate(request).await.map(drop)
    }

    /// Grants or withdraws access to the administrator's page. Withdrawing it ends the account's sessions.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn set_administrator(&self, user: &str, administrator: bool) -> Result<()> {
        Ok(self.store.set_administrator(user, administrator).await?)
    }

    /// Whether an account may use the administrator's page.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn is_administrator(&self, user: &str) -> Result<bool> {
        Ok(self.settings(user).await?.account.administrator)
    }

    /// Renames an account. Its tokens are kept and act as the new user.
    ///
    /// # Errors
    /// `account_unknown`, `account_exists`; `user_*` of the module; failures of the store.
    pub async fn rename_account(&self, user: &str, new_user: &str) -> Result<()> {
        let mut account = self.settings(user).await?.account;
        if user == new_user {
            return Ok(());
        }
        new_user.clone_into(&mut account.user);
        self.check_account(&account).await?;
        Ok(self.store.rename_account(user, new_user).await?)
    }

    /// Removes an account and revokes its tokens in one transaction. Returns the names of the tokens.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn remove_account(&self, user: &str) -> Result<Vec<String>> {
        for _ in 0..TRIES {
            let now = self.clock.now()?;
            let live = self.live_tokens(user).await?;
            let names = live.iter().map(|token| token.record.name.clone()).collect();
            let changes = self.revoked(now, live).await?;
            match self.store.remove_account(user, &changes, now).await {
                Err(StoreError::Conflict) => {}
                outcome => return Ok(outcome.map(|()| names)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Returns a user's tokens that are not revoked.
    pub(super) async fn live_tokens(&self, user: &str) -> Result<Vec<StoredToken>> {
        Ok(self.store.live_tokens(user).await?)
    }

    /// Returns these tokens as revoked ones, as the module makes them.
    pub(super) async fn revoked(&self, now: i64, tokens: Vec<StoredToken>) -> Result<Vec<StoredToken>> {
        if tokens.len() <= FEW {
            return revoke(&self.module, now, &tokens);
        }
        let module = self.module.clone();
        offload::run(move || revoke(&module, now, &tokens)).await?
    }

    /// Generates a key for a new account.
    pub(super) fn new_key(&self) -> Result<String> {
        let random = entropy::fresh(self.entropy.as_ref())?;
        Ok(random.chars().take(KEY).collect())
    }

    /// Has the module validate an account.
    async fn check_account(&self, account: &Account) -> Result<()> {
        let request = ValidateRequest {
            account: Some(account.clone()),
            ..ValidateRequest::default()
        };
        self.validate(request).await.map(drop)
    }
}

/// Returns these tokens as revoked ones, on this thread.
pub(super) fn revoke(module: &Module, now: i64, tokens: &[StoredToken]) -> Result<Vec<StoredToken>> {
    let mut changes = Vec::with_capacity(tokens.len());
    for batch in tokens.chunks(RECORDS_PER_CALL) {
        // The module returns one record for each id, in the order of the ids.
        let revoked = module.revoke(&RevokeRequest {
            now,
            records: batch.iter().map(|token| token.record.clone()).collect(),
            ids: Some(batch.iter().map(|token| token.record.id.clone()).collect()),
            names: None,
        })?;
        let revisions = batch.iter().map(|token| token.revision);
        changes.extend(
            revoked
                .records
                .into_iter()
                .zip(revisions)
                .map(|(record, revision)| StoredToken { record, revision }),
        );
    }
    Ok(changes)
}
