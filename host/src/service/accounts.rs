//! Accounts: whom tokens act as.

use tokenlatch_core::{Account, Authorization, Features, RevokeRequest, VerifyRequest};

use super::{Service, TRIES};
use crate::error::Result;
use crate::store::{StoreError, StoredAccount, StoredToken};

impl Service {
    /// Adds an account.
    ///
    /// # Errors
    /// `account_exists`; `user_*` and `feature_invalid` of the module; failures of the store.
    pub async fn add_account(&self, user: &str, features: Features) -> Result<()> {
        let account = Account {
            user: user.to_owned(),
            suspended: false,
            features,
        };
        let now = self.check_account(&account)?;
        Ok(self.store.add_account(&account, now).await?)
    }

    /// Every account, by user.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn accounts(&self) -> Result<Vec<StoredAccount>> {
        Ok(self.store.accounts().await?)
    }

    /// The account of a user.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn account(&self, user: &str) -> Result<StoredAccount> {
        let account = self.store.account(user).await?;
        Ok(account.ok_or_else(|| StoreError::AccountUnknown(user.to_owned()))?)
    }

    /// Suspends an account, or lets it work again.
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
        let account = Account {
            user: user.to_owned(),
            suspended: false,
            features,
        };
        self.check_account(&account)?;
        Ok(self.store.set_features(user, &account.features).await?)
    }

    /// Removes an account and revokes its tokens, in one step. Returns the names of the tokens.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn remove_account(&self, user: &str) -> Result<Vec<String>> {
        for _ in 0..TRIES {
            let now = self.clock.now()?;
            let live = self.live_tokens(user).await?;
            let names = live.iter().map(|token| token.record.name.clone()).collect();
            let changes = self.revoked(now, live)?;
            match self.store.remove_account(user, &changes, now).await {
                Err(StoreError::Conflict) => {}
                outcome => return Ok(outcome.map(|()| names)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The tokens of a user that are not revoked.
    pub(super) async fn live_tokens(&self, user: &str) -> Result<Vec<StoredToken>> {
        let mut tokens = self.store.tokens(user).await?;
        tokens.retain(|token| token.record.revoked.is_none());
        Ok(tokens)
    }

    /// Has the module revoke these tokens.
    pub(super) fn revoked(&self, now: i64, tokens: Vec<StoredToken>) -> Result<Vec<StoredToken>> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let (records, revisions): (Vec<_>, Vec<_>) =
            tokens.into_iter().map(|token| (token.record, token.revision)).unzip();
        let ids = records.iter().map(|record| record.id.clone()).collect();
        // One record answers each id, in the order of the ids.
        let revoked = self.module.revoke(&RevokeRequest {
            now,
            records,
            ids: Some(ids),
            names: None,
        })?;
        Ok(revoked
            .records
            .into_iter()
            .zip(revisions)
            .map(|(record, revision)| StoredToken { record, revision })
            .collect())
    }

    /// Has the module read an account: a verification without a token looks at nothing else. Returns the time.
    fn check_account(&self, account: &Account) -> Result<i64> {
        let now = self.clock.now()?;
        self.module.verify(&VerifyRequest {
            now,
            authorization: Authorization::None,
            record: None,
            account: Some(account.clone()),
            call: None,
            peppers: Vec::new(),
            catalogue: None,
        })?;
        Ok(now)
    }
}
