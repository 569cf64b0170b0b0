//! Changes tokens: renames them, and updates those of the administrator's port.

use tokenlatch_core::{Access, ExpiryInput, Realm, Record, RenameRequest, Renamed, UpdateRequest};

use super::selector::By;
use super::{Service, TRIES};
use crate::error::Result;
use crate::store::{Change, StoreError, StoredToken};

/// The changes to a token. `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct TokenUpdate {
    /// The new name.
    pub new_name: Option<String>,
    /// What the token may access.
    pub access: Option<Access>,
    /// When the token expires.
    pub expires: Option<ExpiryInput>,
    /// The addresses that the token may be used from; empty for any.
    pub addresses: Option<Vec<String>>,
    /// The token that asks for the change. The changed token's rights must lie within its rights, both before and after.
    pub creator: Option<Record>,
}

/// The request to the module.
enum Decision {
    Rename(Box<RenameRequest>),
    Update(Box<UpdateRequest>),
}

impl Service {
    /// Renames a token and changes nothing else. `realm` selects a port's tokens; `None` selects both ports'.
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

    /// Renames a token by id; otherwise as [`Service::rename`].
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

    /// Updates a token. `realm` selects a port's tokens; `None` selects both ports'.
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
                // A token that changes itself is judged by its current record, not by the one that it called with.
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

    /// Looks up a token, has the module decide the change and stores it. Retries if another process changed the token first.
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
