//! Checks of what isn't stored yet: forms, names, accounts and policies. No token is made for them.

use tokenlatch_core::{Access, Error as Refusal, ErrorCode, ExpiryInput, ValidExpiry, ValidateRequest, Validated};

use super::Service;
use crate::error::{ModuleError, Result};

/// The expiries that a user's new tokens may have.
#[derive(Clone, Debug)]
pub struct ExpiryTerms {
    /// The expiry of a token for which none is given, in Unix seconds.
    pub default: i64,
    /// The module's refusal of a token that never expires, if it refuses one.
    pub never_refused: Option<Refusal>,
}

impl Service {
    /// Checks whether a user may manage tokens now.
    ///
    /// # Errors
    /// `account_unknown`, `tokens_disabled`, `account_suspended`; failures of the module and the store.
    pub async fn may_manage(&self, user: &str) -> Result<()> {
        let request = ValidateRequest {
            account: Some(self.settings(user).await?.account),
            access: Some(Access::Full),
            ..ValidateRequest::default()
        };
        self.validate(request).await.map(drop)
    }

    /// Returns the expiries that a user's new tokens may have now.
    ///
    /// # Errors
    /// `account_unknown`, `tokens_disabled`, `account_suspended`; failures of the module and the store.
    pub async fn expiry_terms(&self, user: &str) -> Result<ExpiryTerms> {
        let settings = self.settings(user).await?;
        let now = self.clock.now()?;
        let expiring = |expires| ValidateRequest {
            zone: self.zone.table(now),
            policy: Some(settings.policy),
            expires,
            now: Some(now),
            ..ValidateRequest::default()
        };
        let default = ValidateRequest {
            account: Some(settings.account),
            access: Some(Access::Full),
            ..expiring(None)
        };
        let Some(ValidExpiry::At(default)) = self.validate(default).await?.expires else {
            return Err(ModuleError::Answer("there is no default expiry").into());
        };
        let never = expiring(Some(ExpiryInput::Text("never".to_owned())));
        let never: Validated = self.module.operate_async("validate", never).await?;
        let required = |problem: &Refusal| problem.code == ErrorCode::ExpiryRequired;
        Ok(ExpiryTerms {
            default,
            never_refused: never.problems.into_iter().find(required),
        })
    }

    /// Checks whether a user may create a token of this name now.
    ///
    /// # Errors
    /// `account_unknown`, `tokens_disabled`, `account_suspended`, `tokens_too_many`, `creations_too_many`; `name_*` of the
    /// module; failures of the module and the store.
    pub async fn check_name(&self, user: &str, name: &str) -> Result<()> {
        let (settings, _) = self.room(user).await?;
        let holder = self.store.tokens_named(user, &[name.to_owned()]).await?;
        let request = ValidateRequest {
            name: Some(name.to_owned()),
            taken: holder.into_iter().map(|holder| holder.record.name).collect(),
            account: Some(settings.account),
            access: Some(Access::Full),
            ..ValidateRequest::default()
        };
        self.validate(request).await.map(drop)
    }

    /// Has the module check values. The first problem is the error.
    pub(super) async fn validate(&self, request: ValidateRequest) -> Result<Validated> {
        let validated: Validated = self.module.operate_async("validate", request).await?;
        Ok(validated.accepted()?)
    }
}
