//! Changing a token: its name, and for the administrator's port whatever may be changed.

use tokenlatch_core::{Access, ExpiryInput, Realm, Record, RenameRequest, Renamed, UpdateRequest};

use super::tokens::By;
use super::{Service, TRIES};
use crate::error::Result;
use crate::store::{Change, StoreError, StoredToken};

/// What is to change of a token. What is left out stays as it was.
#[derive(Clone, Debug, Default)]
pub struct TokenUpdate {
    /// Its name.
    pub new_name: Option<String>,
    /// What it may touch.
    pub access: Option<Access>,
    /// When it ends.
    pub expires: Option<ExpiryInput>,
    /// The addresses it may be used from; empty for any.
    pub addresses: Option<Vec<String>>,
    /// The token that asks for it: the token must lie within it, before the change and after it.
    pub creator: Option<Record>,
}

/// What the module is asked about a change.
enum Decision {
    Rename(Box<RenameRequest>),
    Update(Box<UpdateRequest>),
}

impl Service {
    /// Renames a token. Nothing else of it changes. `realm` is the port whose tokens are meant; both where it is `None`.
    ///
    /// # Errors
    /// `account_unknown`, `token_unknown`, `name_taken`; the module's refusals; failures of the store.
    pub async fn rename(
        &self,
        user: &str,
        realm: impl Into<Option<Realm>> + Send,
        name: &str,
        new_name: &str,
    ) -> Result<Record> {
        self.rename_by(By::Name, user, realm.into(), name, new_name).await
    }

    /// Renames a token as [`Service::rename`] does, by its id.
    ///
    /// # Errors
    /// `account_unknown`, `token_unknown`, `name_taken`; the module's refusals; failures of the store.
    pub async fn rename_by_id(
        &self,
        user: &str,
        realm: impl Into<Option<Realm>> + Send,
        id: &str,
        new_name: &str,
    ) -> Result<Record> {
        self.rename_by(By::Id, user, realm.into(), id, new_name).await
    }

    async fn rename_by(&self, by: By, user: &str, realm: Option<Realm>, key: &str, new_name: &str) -> Result<Record> {
        self.settings(user).await?;
        self.change((by, key), user, realm, Some(new_name), None, |record, taken| {
            let request = RenameRequest {
                record,
                new_name: new_name.to_owned(),
                taken,
            };
            Decision::Rename(Box::new(request))
        })
        .await
    }

    /// Changes a token. `realm` is the port whose tokens are meant; both where it is `None`.
    ///
    /// # Errors
    /// `account_unknown`, `token_unknown`, `name_taken`, `expiry_fixed`, `access_exceeds_creator`; the module's other
    /// refusals; failures of the store.
    pub async fn update(
        &self,
        user: &str,
        realm: impl Into<Option<Realm>> + Send,
        name: &str,
        update: TokenUpdate,
    ) -> Result<Record> {
        let settings = self.settings(user).await?;
        let now = self.clock.now()?;
        let new_name = update.new_name.clone();
        self.change(
            (By::Name, name),
            user,
            realm.into(),
            new_name.as_deref(),
            update.creator.as_ref(),
            |record, taken| {
                // The token may change itself: then what it is now counts, not what it was when it asked.
                let asks_itself = |creator: &&Record| creator.id == record.id;
                let itself = update.creator.as_ref().filter(asks_itself).map(|_| record.clone());
                let request = UpdateRequest {
                    now,
                    record,
                    new_name: update.new_name.clone(),
                    taken,
                    access: update.access.clone(),
                    expires: update.expires.clone(),
                    addresses: update.addresses.clone(),
                    zone: self.zone.table(now),
                    policy: settings.policy,
                    account: Some(settings.account.clone()),
                    creator: itself.or_else(|| update.creator.clone()),
                };
                Decision::Update(Box::new(request))
            },
        )
        .await
    }

    /// Looks a token up, has the change decided and stores it; anew where another process was quicker.
    async fn change(
        &self,
        (by, key): (By, &str),
        user: &str,
        realm: Option<Realm>,
        new_name: Option<&str>,
        creator: Option<&Record>,
        decision: impl Fn(Record, Vec<String>) -> Decision + Send + Sync,
    ) -> Result<Record> {
        let (keys, new_name) = ([key.to_owned()], new_name.map(str::to_owned));
        for _ in 0..TRIES {
            let found = self.tokens_by(by, user, realm, &keys, creator).await?;
            let taken = match &new_name {
                Some(name) => self.store.tokens_named(user, std::slice::from_ref(name)).await?,
                None => Vec::new(),
            };
            let taken = taken.into_iter().map(|holder| holder.record.name).collect();
            let StoredToken { record, revision } = found
                .into_iter()
                .next()
                .ok_or_else(|| StoreError::TokenUnknown(key.to_owned()))?;
            let Renamed { record } = match decision(record, taken) {
                Decision::Rename(request) => self.module.operate_async("rename", request).await?,
                Decision::Update(request) => self.module.operate_async("update", request).await?,
            };
            let change = Change { record, revision };
            match self.store.change_tokens(std::slice::from_ref(&change)).await {
                Err(StoreError::Conflict) => {}
                outcome => return Ok(outcome.map(|()| change.record)?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

/// Whether a record is one of those meant. A port never sees the tokens of the other.
pub(super) fn is_of(record: &Record, realm: Option<Realm>) -> bool {
    realm.is_none_or(|realm| record.realm == realm)
}
