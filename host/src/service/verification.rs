//! Verification: reads the header, finds the record by hash and asks the module for the verdict.

use tokenlatch_core::{Authorization, Call, IdentifyRequest, Verdict, VerifyRequest};

use super::Service;
use crate::error::Result;

impl Service {
    /// Decides whether a call may be made with this header. Valid and invalid headers cause the same look-ups.
    ///
    /// # Errors
    /// Failures of the module, the store and the clock: treat any error as a refusal.
    pub async fn verify(&self, authorization: &Authorization, call: &Call) -> Result<Verdict> {
        let credential = self.module.identify(&IdentifyRequest {
            authorization: authorization.clone(),
            peppers: self.peppers.clone(),
        })?;
        let record = self.store.token_by_hashes(&credential.hashes).await?;
        let user = match (&record, &credential.user) {
            (Some(record), _) => record.user.as_str(),
            (None, Some(user)) => user,
            (None, None) => "",
        };
        let account = self.store.settings(user).await?.map(|found| found.account);
        let request = VerifyRequest {
            now: self.clock.now()?,
            authorization: authorization.clone(),
            record,
            account,
            call: Some(call.clone()),
            peppers: self.peppers.clone(),
            catalogue: None,
        };
        self.module.operate_async("verify", request).await
    }
}
