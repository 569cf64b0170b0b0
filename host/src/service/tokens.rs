//! Tokens: creating, listing, renaming, revoking.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use tokenlatch_core::{
    Access, Authorization, CreateRequest, Created, Described, Description, ExpiryInput, Held, IdentifyRequest, Listed,
    Manageable, ManageableRequest, Realm, Record, SecretString, SortKey,
};

use super::selector::{By, is_of};
use super::{RECORDS_PER_CALL, Service, TRIES};
use crate::entropy;
use crate::error::Result;
use crate::store::{Settings, StoreError, StoredToken, hour_before};

/// The request for a new token.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The user that the token acts as.
    pub user: String,
    /// The token's name.
    pub name: String,
    /// What the token may access.
    pub access: Access,
    /// When the token expires; `None` for the module's default.
    pub expires: Option<ExpiryInput>,
    /// Whether functions that write are refused.
    pub read_only: bool,
    /// The addresses that the token may be used from; empty for any.
    pub addresses: Vec<String>,
    /// The port that the token belongs to.
    pub realm: Realm,
    /// A prefix that secret scanners recognise.
    pub prefix: Option<String>,
    /// The token that asks for the new one. The new token's rights must lie within its rights.
    pub creator: Option<Record>,
}

impl NewToken {
    /// Creates a request with the module's defaults for everything else.
    #[must_use]
    pub fn new(user: &str, name: &str, access: Access) -> NewToken {
        NewToken {
            user: user.to_owned(),
            name: name.to_owned(),
            access,
            expires: None,
            read_only: false,
            addresses: Vec::new(),
            realm: Realm::default(),
            prefix: None,
            creator: None,
        }
    }
}

/// Which tokens to list, and how. The module's defaults replace `None`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListOptions {
    /// The page number, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<i64>,
    /// The number of tokens on a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<i64>,
    /// The sort order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<SortKey>,
    /// Whether to reverse the order.
    pub descending: bool,
    /// Lists only tokens whose name contains this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// How many days before its expiry a token counts as expiring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_days: Option<i64>,
    /// Whether revoked tokens are listed too.
    pub include_revoked: bool,
}

/// A `list` request that omits unset fields, so that the module applies its defaults.
#[derive(Serialize)]
pub(super) struct ListCall {
    now: i64,
    records: Vec<Record>,
    #[serde(flatten)]
    options: ListOptions,
}

/// A `describe` request that omits unset fields, so that the module applies its defaults.
#[derive(Serialize)]
struct DescribeCall<'a> {
    now: i64,
    record: &'a Record,
}

/// What a new token depends on: the account and its other tokens.
struct CreationContext {
    settings: Settings,
    held: Held,
    /// The requested name, if another token has it.
    taken: Vec<String>,
}

/// The result of a revocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// The names of the tokens that are now revoked.
    pub revoked: Vec<String>,
    /// The names or ids that no live token has.
    pub unknown: Vec<String>,
}

impl Service {
    /// Creates a token. Its text is only in the result and never stored.
    ///
    /// # Errors
    /// `account_unknown`, `tokens_too_many`, `creations_too_many`, `name_taken`, `entropy_unavailable`; the module's
    /// refusals; failures of the store.
    pub async fn create(&self, token: NewToken) -> Result<Created> {
        for _ in 0..TRIES {
            let context = self.creation_context(&token).await?;
            let (caps, account) = (context.settings.policy.caps, context.settings.key.clone());
            let created = self.decide(token.clone(), context).await?;
            match self.store.add_token(&created.record, Some(&account), caps).await {
                // Concurrent creations reached the caps; the next attempt reports that.
                Err(StoreError::Conflict) => {}
                outcome => return Ok(outcome.map(|()| created)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Returns the settings of a user's account and its token counts. Fails if the caps leave no room for another token.
    pub(super) async fn room(&self, user: &str) -> Result<(Settings, Held)> {
        let settings = self.settings(user).await?;
        let (caps, since) = (settings.policy.caps, hour_before(self.clock.now()?));
        let held = self.store.held(user, since, caps.tokens_per_hour()).await?;
        let held = held.ok_or_else(|| StoreError::AccountUnknown(user.to_owned()))?;
        caps.allow_another(held)?;
        Ok((settings, held))
    }

    /// Reads the account and its tokens for the decision about a new one. A token over a cap is refused here, before any of its
    /// data is copied or compared; the module refuses it too.
    async fn creation_context(&self, token: &NewToken) -> Result<CreationContext> {
        let (settings, held) = self.room(&token.user).await?;
        let caps = settings.policy.caps;
        caps.allow_size(&token.access, &token.addresses)?;
        let names = std::slice::from_ref(&token.name);
        let holder = self.store.tokens_named(&token.user, names).await?;
        let taken = holder.into_iter().map(|holder| holder.record.name).collect();
        Ok(CreationContext { settings, held, taken })
    }

    /// Has the module create a token.
    async fn decide(&self, token: NewToken, context: CreationContext) -> Result<Created> {
        let CreationContext { settings, held, taken } = context;
        let now = self.clock.now()?;
        let entropy = entropy::fresh(self.entropy.as_ref())?;
        let request = CreateRequest {
            now,
            entropy: SecretString::from(entropy.as_str()),
            user: token.user,
            name: token.name,
            access: token.access,
            expires: token.expires,
            read_only: token.read_only,
            addresses: token.addresses,
            realm: token.realm,
            zone: self.zone.table(now),
            prefix: token.prefix,
            pepper: self.peppers.first().cloned(),
            account: Some(settings.account),
            policy: settings.policy,
            held,
            taken,
            creator: token.creator,
        };
        self.module.operate_async("create", request).await
    }

    /// Returns the user's live tokens that match, as far as the calling token may manage them. To that token all others are
    /// unknown, in every operation.
    pub(super) async fn tokens_by(
        &self,
        by: By,
        user: &str,
        realm: Option<Realm>,
        keys: &[String],
        creator: Option<&Record>,
    ) -> Result<Vec<StoredToken>> {
        let mut found = match by {
            By::Name => self.store.tokens_named(user, keys).await?,
            By::Id => self.store.tokens_with_ids(user, keys).await?,
        };
        found.retain(|token| is_of(&token.record, realm));
        self.manageable(creator, found).await
    }

    /// Returns those tokens that the calling token may manage; all of them if a person calls.
    pub(super) async fn manageable<T: AsRef<Record>>(
        &self,
        creator: Option<&Record>,
        mut tokens: Vec<T>,
    ) -> Result<Vec<T>> {
        let Some(creator) = creator else {
            return Ok(tokens);
        };
        let mut ids = HashSet::with_capacity(tokens.len());
        for batch in tokens.chunks(RECORDS_PER_CALL) {
            let request = ManageableRequest {
                creator: creator.clone(),
                records: batch.iter().map(|token| token.as_ref().clone()).collect(),
            };
            let found: Manageable = self.module.operate_async("manageable", request).await?;
            ids.extend(found.ids);
        }
        tokens.retain(|token| ids.contains(&token.as_ref().id));
        Ok(tokens)
    }

    /// Lists the tokens of a user.
    ///
    /// # Errors
    /// `account_unknown`; the module's refusals; failures of the store.
    pub async fn list(&self, user: &str, options: ListOptions) -> Result<Listed> {
        self.settings(user).await?;
        let tokens = if options.include_revoked {
            self.store.tokens(user).await?
        } else {
            self.live_tokens(user).await?
        };
        let records = tokens.into_iter().map(|token| token.record).collect();
        self.list_records(records, options).await
    }

    pub(super) async fn list_records(&self, records: Vec<Record>, options: ListOptions) -> Result<Listed> {
        let call = self.list_call(records, options)?;
        self.module.operate_async("list", call).await
    }

    pub(super) fn list_call(&self, records: Vec<Record>, options: ListOptions) -> Result<ListCall> {
        let now = self.clock.now()?;
        Ok(ListCall { now, records, options })
    }

    /// Describes a token as its owner may see it.
    ///
    /// # Errors
    /// The module's refusals.
    pub fn describe(&self, record: &Record) -> Result<Description> {
        let now = self.clock.now()?;
        let described: Described = self.module.operate("describe", &DescribeCall { now, record })?;
        Ok(described.token)
    }

    /// Returns the tokens of a port that are not revoked, for the replies of the compatible interfaces.
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn records(&self, user: &str, realm: impl Into<Option<Realm>> + Send) -> Result<Vec<Record>> {
        let realm = realm.into();
        self.settings(user).await?;
        let live = self.live_tokens(user).await?;
        Ok(live
            .into_iter()
            .map(|token| token.record)
            .filter(|record| is_of(record, realm))
            .collect())
    }

    /// Finds the user's live token with this text. The result is `None` for a text that is not a token.
    ///
    /// # Errors
    /// Failures of the module and the store.
    pub async fn find(
        &self,
        user: &str,
        realm: impl Into<Option<Realm>> + Send,
        token_text: &str,
    ) -> Result<Option<Record>> {
        let realm = realm.into();
        let authorization = Authorization::One(SecretString::new(format!("Bearer {token_text}")));
        let credential = self.module.identify(&IdentifyRequest {
            authorization,
            peppers: self.peppers.clone(),
        })?;
        let found = self.store.token_by_hashes(&credential.hashes).await?;
        Ok(found.filter(|record| record.user == user && record.revoked.is_none() && is_of(record, realm)))
    }

    /// Revokes tokens, all in one transaction. Once this returns, they are refused, even after a crash.
    ///
    /// `realm` selects a port's tokens; `None` selects both ports'. A name that no live token has is not an error: see
    /// [`Revocation`].
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn revoke(
        &self,
        user: &str,
        realm: impl Into<Option<Realm>> + Send,
        names: &[String],
    ) -> Result<Revocation> {
        self.revoke_by(By::Name, user, realm.into(), names, None).await
    }

    /// Revokes tokens by id; otherwise as [`Service::revoke`]. Unknown ids are in [`Revocation::unknown`].
    ///
    /// # Errors
    /// `account_unknown`; failures of the store.
    pub async fn revoke_by_ids(
        &self,
        user: &str,
        realm: impl Into<Option<Realm>> + Send,
        ids: &[String],
    ) -> Result<Revocation> {
        self.revoke_by(By::Id, user, realm.into(), ids, None).await
    }

    pub(super) async fn revoke_by(
        &self,
        by: By,
        user: &str,
        realm: Option<Realm>,
        keys: &[String],
        creator: Option<&Record>,
    ) -> Result<Revocation> {
        self.settings(user).await?;
        for _ in 0..TRIES {
            let live = self.tokens_by(by, user, realm, keys, creator).await?;
            let (chosen, unknown) = choose(by, live, keys);
            let revoked = chosen.iter().map(|token| token.record.name.clone()).collect();
            let changes = self.revoked(self.clock.now()?, chosen).await?;
            match self.store.change_tokens(&changes).await {
                Err(StoreError::Conflict) => {}
                outcome => return Ok(outcome.map(|()| Revocation { revoked, unknown })?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

/// Picks the tokens with these names or ids, in the given order, and returns the unmatched keys too. Repeats count once.
fn choose(by: By, tokens: Vec<StoredToken>, keys: &[String]) -> (Vec<StoredToken>, Vec<String>) {
    let mut found: HashMap<String, StoredToken> = tokens
        .into_iter()
        .map(|token| (by.key(&token.record).to_owned(), token))
        .collect();
    let mut seen = HashSet::with_capacity(keys.len());
    let (mut chosen, mut unknown) = (Vec::new(), Vec::new());
    for key in keys.iter().filter(|key| seen.insert(key.as_str())) {
        match found.remove(key) {
            Some(token) => chosen.push(token),
            None => unknown.push(key.clone()),
        }
    }
    (chosen, unknown)
}
