//! The functions of the compatible interfaces: reads parameters, calls the service and builds the reply. RULES.md, 3 to 5.

use std::fmt;

use serde::Serialize;
use tokenlatch_core::{
    ExpiryInput, Parameters, ParametersRequest, Realm, Record, Reply, ReplyError, ReplyRequest, SecretString, Shape,
    ValidExpiry, Value,
};
use zeroize::Zeroize;

use super::selector::By;
use super::{NewToken, Service, TokenUpdate};
use crate::error::{Error, Result};
use crate::store::StoreError;

/// The operations behind the functions.
#[derive(Clone, Copy)]
enum Action {
    Create,
    List,
    Rename,
    Update,
    Revoke,
    Details,
    Addresses,
}

/// The functions of UAPI and API 2, in the module `Tokens`.
const UAPI: &[(&str, Action)] = &[
    ("create_full_access", Action::Create),
    ("create_limited", Action::Create),
    ("get_addresses", Action::Addresses),
    ("list", Action::List),
    ("rename", Action::Rename),
    ("revoke", Action::Revoke),
    ("set_addresses", Action::Update),
];

/// The administrator's functions, of WHM API 1.
const WHM: &[(&str, Action)] = &[
    ("api_token_create", Action::Create),
    ("api_token_get_details", Action::Details),
    ("api_token_list", Action::List),
    ("api_token_revoke", Action::Revoke),
    ("api_token_update", Action::Update),
];

/// A call of a function of a compatible interface, and its caller.
#[derive(Clone, Copy, Debug)]
pub struct FunctionCall<'a> {
    /// The interface. WHM's functions manage the tokens of the administrator's port, all others those of the account's port.
    pub shape: Shape,
    /// The name of the function.
    pub function: &'a str,
    /// The user whose tokens are managed.
    pub user: &'a str,
    /// The calling token. Tokens that it creates cannot exceed its rights, and tokens that exceed them are hidden from it.
    /// `None` if the user calls in person.
    pub token: Option<AskingToken<'a>>,
}

/// The calling token, as a verdict names it.
#[derive(Clone, Copy, Debug)]
pub struct AskingToken<'a> {
    /// The token's id.
    pub id: &'a str,
    /// The name that the token had at verification; used to look it up first.
    pub name: Option<&'a str>,
}

/// Why a function has no reply of its own.
#[derive(Clone, Debug)]
pub enum FunctionFailure {
    /// The interface has no such function.
    Unknown,
    /// The calling token was revoked in the meantime.
    Gone,
    /// The module, the store or the system failed. Do not send the reason to a remote caller.
    Failed(Error),
}

impl From<Error> for FunctionFailure {
    fn from(error: Error) -> FunctionFailure {
        FunctionFailure::Failed(error)
    }
}

impl fmt::Display for FunctionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FunctionFailure::Unknown => f.write_str("unknown function"),
            FunctionFailure::Gone => f.write_str("the calling token was revoked"),
            FunctionFailure::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FunctionFailure {}

type Outcome<T> = std::result::Result<T, FunctionFailure>;

impl FunctionCall<'_> {
    /// Whether an interface has a function of this name.
    #[must_use]
    pub fn exists(shape: Shape, function: &str) -> bool {
        action(shape, function).is_some()
    }

    fn realm(&self) -> Realm {
        if self.shape == Shape::Whm {
            Realm::Admin
        } else {
            Realm::Account
        }
    }
}

fn action(shape: Shape, function: &str) -> Option<Action> {
    let functions = match shape {
        Shape::Uapi | Shape::UapiCommand | Shape::Api2 => UAPI,
        Shape::Whm => WHM,
        Shape::Denied => return None,
    };
    let found = functions.iter().find(|(name, _)| *name == function);
    found.map(|(_, action)| *action)
}

impl Service {
    /// Calls a function with the parameters as received, and builds its reply. A refusal by the module or the store is a
    /// reply too. The parameters are wiped because one may be a token.
    ///
    /// # Errors
    /// See [`FunctionFailure`]: the response depends on the caller.
    pub async fn function(
        &self,
        call: &FunctionCall<'_>,
        values: Vec<(String, Value)>,
    ) -> std::result::Result<Reply, FunctionFailure> {
        let given = GivenParameters(ParametersRequest {
            shape: call.shape,
            function: call.function.to_owned(),
            values,
        });
        let action = action(call.shape, call.function).ok_or(FunctionFailure::Unknown)?;
        // The caps are checked before any parameter of the new token is read.
        let room = match action {
            Action::Create => self.room(call.user).await.map(drop),
            _ => Ok(()),
        };
        let read: Result<Parameters> = match room {
            Ok(()) => self.module.operate_async("parameters", given).await,
            Err(full) => Err(full),
        };
        let (outcome, unknown) = match read {
            Ok(mut parameters) => {
                let unknown = std::mem::take(&mut parameters.unknown);
                (self.perform(call, action, parameters).await, unknown)
            }
            Err(error) => (Err(error.into()), Vec::new()),
        };
        let (done, error) = match outcome {
            Ok(done) => (done, None),
            Err(FunctionFailure::Failed(error)) if is_refusal(&error) => (
                FunctionResult::default(),
                Some(ReplyError::coded(error.code(), error.field())),
            ),
            Err(failure) => return Err(failure),
        };
        let reply = ReplyRequest {
            shape: call.shape,
            function: Some(call.function.to_owned()),
            token: done.token,
            record: done.record,
            records: done.records,
            error,
            unknown,
            ..ReplyRequest::default()
        };
        Ok(self.module.operate_async("reply", reply).await?)
    }

    /// Builds the reply of a function that failed before it began, or with an error that the caller chose to send.
    ///
    /// # Errors
    /// Failures of the module.
    pub fn function_refused(&self, call: &FunctionCall<'_>, error: ReplyError) -> Result<Reply> {
        self.module.reply(&ReplyRequest {
            shape: call.shape,
            function: Some(call.function.to_owned()),
            error: Some(error),
            ..ReplyRequest::default()
        })
    }

    async fn perform(&self, call: &FunctionCall<'_>, action: Action, given: Parameters) -> Outcome<FunctionResult> {
        let (user, realm) = (call.user, call.realm());
        let name = given.name.as_deref().unwrap_or_default();
        let creator = self.creator(call).await?;
        match action {
            Action::Create => {
                let mut token = NewToken::new(user, name, given.access.unwrap_or_default());
                token.expires = given.expires.map(expiry);
                token.read_only = given.read_only.unwrap_or_default();
                token.addresses = given.addresses.unwrap_or_default();
                token.realm = realm;
                token.creator = creator;
                let created = self.create(token).await?;
                Ok(FunctionResult {
                    token: Some(created.token),
                    ..FunctionResult::record(created.record)
                })
            }
            Action::List => Ok(FunctionResult {
                records: Some(
                    self.manageable(creator.as_ref(), self.records(user, realm).await?)
                        .await?,
                ),
                ..FunctionResult::default()
            }),
            Action::Rename | Action::Update => {
                let update = TokenUpdate {
                    new_name: given.new_name,
                    access: given.access,
                    expires: given.expires.map(expiry),
                    addresses: given.addresses,
                    creator,
                };
                Ok(FunctionResult::record(self.update(user, realm, name, update).await?))
            }
            Action::Revoke => {
                let names = given.names.unwrap_or_else(|| given.name.into_iter().collect());
                self.revoke_by(By::Name, user, Some(realm), &names, creator.as_ref())
                    .await?;
                Ok(FunctionResult::default())
            }
            Action::Addresses => {
                let names = [name.to_owned()];
                let found = self.tokens_by(By::Name, user, Some(realm), &names, creator.as_ref());
                let found = found.await?.pop().map(|found| found.record);
                Ok(FunctionResult::record(found.ok_or_else(|| {
                    Error::from(StoreError::TokenUnknown(name.to_owned()))
                })?))
            }
            Action::Details => {
                let text = given.token.unwrap_or_default();
                let found = self.find(user, realm, text.expose()).await?;
                let mut found = self.manageable(creator.as_ref(), found.into_iter().collect()).await?;
                Ok(found.pop().map(FunctionResult::record).unwrap_or_default())
            }
        }
    }

    /// Returns the current record of the calling token.
    async fn creator(&self, call: &FunctionCall<'_>) -> Outcome<Option<Record>> {
        let Some(token) = call.token else {
            return Ok(None);
        };
        let own = |record: &Record| record.id == token.id;
        let names: Vec<String> = token.name.into_iter().map(str::to_owned).collect();
        let named = self.store.tokens_named(call.user, &names).await.map_err(Error::from)?;
        if let Some(found) = named.into_iter().find(|found| own(&found.record)) {
            return Ok(Some(found.record));
        }
        // The token was renamed or revoked in the meantime.
        let mut records = self.records(call.user, None).await?.into_iter();
        records.find(own).map(Some).ok_or(FunctionFailure::Gone)
    }
}

/// The result of a function.
#[derive(Default)]
struct FunctionResult {
    token: Option<SecretString>,
    record: Option<Record>,
    records: Option<Vec<Record>>,
}

impl FunctionResult {
    fn record(record: Record) -> FunctionResult {
        FunctionResult {
            record: Some(record),
            ..FunctionResult::default()
        }
    }
}

/// Parameters as received. They are wiped on drop.
#[derive(Serialize)]
#[serde(transparent)]
struct GivenParameters(ParametersRequest);

impl Drop for GivenParameters {
    fn drop(&mut self) {
        wipe_values(&mut self.0.values);
    }
}

/// Overwrites the text values of parameters.
pub fn wipe_values(values: &mut [(String, Value)]) {
    for (_, value) in values {
        match value {
            Value::String(text) => text.zeroize(),
            Value::Array(items) => {
                for item in items {
                    if let Value::String(text) = item {
                        text.zeroize();
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether the error is a refusal of the request rather than a failure.
fn is_refusal(error: &Error) -> bool {
    match error {
        Error::Refused(_) => true,
        Error::Store(error) => error.is_refusal(),
        _ => false,
    }
}

fn expiry(expires: ValidExpiry) -> ExpiryInput {
    match expires {
        ValidExpiry::At(seconds) => ExpiryInput::Seconds(seconds),
        ValidExpiry::Never => ExpiryInput::Text("never".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wipes_every_string_parameter() {
        let secret = || Value::String("SECRET".to_owned());
        let mut values = vec![
            ("token".to_owned(), secret()),
            ("names".to_owned(), Value::Array(vec![secret(), Value::Null, secret()])),
            ("count".to_owned(), Value::Int(1)),
        ];
        wipe_values(&mut values);
        assert!(values.iter().all(|(_, value)| match value {
            Value::String(text) => text.is_empty(),
            Value::Array(items) => !items.contains(&secret()),
            _ => true,
        }));
    }
}
