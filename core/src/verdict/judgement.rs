//! Judges a token. Records, tables and snapshots share this rule.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::grant::{Entry, Grant, Life};
use super::refusal::Refusal;
use crate::account::rights::Rights;
use crate::auth::api::Api;
use crate::auth::call::{ResolvedCall, Standing};
use crate::auth::credentials::Credentials;
use crate::auth::scheme::Credential;
use crate::base::reason::Reason;
use crate::token::access::Access;
use crate::token::address::{contains, parse_address};
use crate::token::expiry::is_expired;
use crate::token::time::is_now;

/// The decision on a request, and the reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// 200, 401 or 403; from a snapshot also 503.
    pub status: u16,
    /// The reason, for the owner and the log.
    pub reason: Reason,
    /// The reason as a sentence.
    pub message: String,
    /// The token's user. This field and those up to `read_only` are set only if the hash matched.
    pub user: Option<String>,
    /// The token's id.
    pub id: Option<String>,
    /// The token's name.
    pub name: Option<String>,
    /// The token's expiry, in Unix seconds; `None` for never.
    pub expires: Option<i64>,
    /// The token's access.
    pub access: Option<Access>,
    /// Whether the token is read-only.
    pub read_only: Option<bool>,
    /// The response to a refused request, the only part that clients may see.
    pub refusal: Option<Refusal>,
}

impl Verdict {
    /// A verdict about no token.
    pub(crate) fn of(reason: Reason, accepted: &Credentials) -> Verdict {
        let allowed = reason.status() == 200;
        Verdict {
            allowed,
            status: reason.status(),
            reason,
            message: accepted.message(reason).into(),
            user: None,
            id: None,
            name: None,
            expires: None,
            access: None,
            read_only: None,
            refusal: (!allowed).then(|| Refusal::of(reason, accepted)),
        }
    }

    /// Adds the data of a token whose hash has matched.
    pub(crate) fn about(self, user: &str, life: Life, grant: &Grant) -> Verdict {
        Verdict {
            user: Some(user.into()),
            expires: life.expires,
            access: Some(grant.access.clone()),
            read_only: Some(grant.read_only),
            ..self
        }
    }

    /// The verdict on a request, with the token's data if its hash matched.
    pub(crate) fn of_entry(entry: Option<&Entry>, reason: Reason, accepted: &Credentials) -> Verdict {
        let verdict = Verdict::of(reason, accepted);
        match entry {
            None => verdict,
            Some(entry) => Verdict {
                id: Some(entry.id.clone()),
                name: Some(entry.name.clone()),
                ..verdict.about(&entry.user, entry.life, &entry.grant)
            },
        }
    }
}

/// A token whose hash has matched.
#[derive(Clone, Copy)]
pub(crate) struct Matched<'a> {
    pub(crate) life: Life,
    pub(crate) grant: &'a Grant,
    /// The token's user.
    pub(crate) owner: &'a [u8],
    /// The user's rights; `None` if the account is unknown.
    pub(crate) account: Option<&'a Rights>,
}

impl Matched<'_> {
    /// Judges the token and returns the first reason that applies, in the order of OPERATIONS.md.
    pub(crate) fn judge(
        &self,
        credential: &Credential<'_>,
        target: &ResolvedCall,
        address: Option<&[u8]>,
        now: i64,
    ) -> Reason {
        if !is_now(now) {
            return Reason::ClockInvalid;
        }
        if self.life.revoked {
            return Reason::TokenRevoked;
        }
        if !credential.scheme.serves(self.grant.realm) || target.realm != self.grant.realm {
            return Reason::RealmMismatch;
        }
        if credential.user.is_some_and(|user| user.as_bytes() != self.owner) {
            return Reason::UserMismatch;
        }
        if is_expired(self.life.expires, now) {
            return Reason::TokenExpired;
        }
        let Some(account) = self.account else {
            return Reason::AccountUnknown;
        };
        if account.suspended {
            return Reason::AccountSuspended;
        }
        if !account.may_use_tokens() {
            return Reason::TokensDisabled;
        }
        if !self.grant.addresses.is_empty() {
            match address.and_then(parse_address) {
                None => return Reason::AddressUnknown,
                Some(address) if !contains(&self.grant.addresses, &address) => return Reason::AddressRefused,
                Some(_) => {}
            }
        }
        if target.api == Api::Api1 {
            return Reason::ApiUnsupported;
        }
        match target.standing {
            Standing::Doubtful => return Reason::TargetDoubtful,
            Standing::Exposed => return Reason::TokenInUrl,
            Standing::Refused => return Reason::RouteUnlisted,
            Standing::Judged | Standing::Public => {}
        }
        if let Access::Limited { features } = &self.grant.access {
            match &target.feature {
                None => return Reason::FunctionWithoutFeature,
                Some(_) if target.inexact => return Reason::FunctionWithoutFeature,
                Some(feature) if !features.contains(feature) => return Reason::FeatureNotGranted,
                Some(_) => {}
            }
        }
        if target.feature.as_ref().is_some_and(|feature| !account.has(feature)) {
            return Reason::FeatureNotInAccount;
        }
        if self.grant.read_only && target.writes {
            return Reason::ReadOnly;
        }
        Reason::Ok
    }
}
