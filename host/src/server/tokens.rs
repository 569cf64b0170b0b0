//! The functions that manage tokens, under every interface: parameters, service, reply.

use axum::response::Response;
use tokenlatch_core::{
    ExpiryInput, Parameters, ParametersRequest, Realm, Record, Reply, ReplyError, ReplyRequest, SecretString, Shape,
    ValidExpiry,
};

use super::admission::{Admitted, Denial, denied, response, unavailable};
use super::form::Form;
use super::state::State;
use crate::error::{Error, Result};
use crate::service::{NewToken, TokenUpdate};

/// The functions of the module `Tokens`.
const UAPI: &[&str] = &[
    "create_full_access",
    "create_limited",
    "list",
    "rename",
    "revoke",
    "set_addresses",
];

/// The administrator's functions.
const WHM: &[&str] = &[
    "api_token_create",
    "api_token_get_details",
    "api_token_list",
    "api_token_revoke",
    "api_token_update",
];

/// Whether an interface has a function.
pub(super) fn has(shape: Shape, function: &str) -> bool {
    let functions = if shape == Shape::Whm { WHM } else { UAPI };
    functions.contains(&function)
}

/// What a function yielded.
#[derive(Default)]
struct Yield {
    token: Option<SecretString>,
    record: Option<Record>,
    records: Option<Vec<Record>>,
}

impl Yield {
    fn record(record: Record) -> Yield {
        Yield {
            record: Some(record),
            ..Yield::default()
        }
    }
}

/// Why a function did not go through.
enum Failure {
    /// The token that asked was revoked meanwhile.
    Gone,
    /// The module or the store refused, or failed.
    Error(Error),
}

type Outcome<T> = std::result::Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Error(error)
    }
}

/// A function, and who calls it.
pub(super) struct Job<'a> {
    pub(super) state: &'a State,
    pub(super) admitted: &'a Admitted,
    pub(super) shape: Shape,
    pub(super) function: &'a str,
}

impl Job<'_> {
    /// Carries the function out, and words the reply.
    pub(super) async fn run(&self, form: Form) -> Response {
        let request = ParametersRequest {
            shape: self.shape,
            function: self.function.to_owned(),
            values: form.into_values(),
        };
        let (outcome, unknown) = match self.state.service.module().parameters(&request) {
            Ok(mut parameters) => {
                let unknown = std::mem::take(&mut parameters.unknown);
                (self.perform(parameters).await, unknown)
            }
            Err(error) => (Err(error.into()), Vec::new()),
        };
        wipe(request);
        let reply = match outcome {
            Ok(done) => self.word(None, done, unknown),
            Err(Failure::Gone) => return denied(self.state, Denial::Unauthorized),
            Err(Failure::Error(error)) if !is_refusal(&error) => Err(error),
            Err(Failure::Error(error)) => {
                let error = ReplyError::coded(error.code(), error.field());
                self.word(Some(error), Yield::default(), Vec::new())
            }
        };
        reply.map_or_else(|error| self.broken(&error), response)
    }

    /// The failure of a function, in the module's words.
    pub(super) fn refuse(&self, error: ReplyError) -> Response {
        let reply = self.word(Some(error), Yield::default(), Vec::new());
        reply.map_or_else(|error| self.broken(&error), response)
    }

    fn word(&self, error: Option<ReplyError>, done: Yield, unknown: Vec<String>) -> Result<Reply> {
        self.state.service.module().reply(&ReplyRequest {
            shape: self.shape,
            function: Some(self.function.to_owned()),
            token: done.token,
            record: done.record,
            records: done.records,
            error,
            unknown,
            ..ReplyRequest::default()
        })
    }

    /// The store or the module could not do its work: nothing of why is told.
    fn broken(&self, error: &Error) -> Response {
        tracing::error!(code = error.code(), function = self.function, "a function failed");
        unavailable(self.state)
    }

    async fn perform(&self, given: Parameters) -> Outcome<Yield> {
        match self.function {
            "create_full_access" | "create_limited" | "api_token_create" => self.create(given).await,
            "list" | "api_token_list" => self.list().await,
            "rename" => self.rename(given).await,
            "set_addresses" | "api_token_update" => self.update(given).await,
            "revoke" | "api_token_revoke" => self.revoke(given).await,
            _ => self.details(given).await,
        }
    }

    fn realm(&self) -> Realm {
        if self.shape == Shape::Whm {
            Realm::Admin
        } else {
            Realm::Account
        }
    }

    fn user(&self) -> &str {
        &self.admitted.user
    }

    async fn create(&self, given: Parameters) -> Outcome<Yield> {
        let mut token = NewToken::new(
            self.user(),
            &given.name.unwrap_or_default(),
            given.access.unwrap_or_default(),
        );
        token.expires = given.expires.map(expiry);
        token.read_only = given.read_only.unwrap_or_default();
        token.addresses = given.addresses.unwrap_or_default();
        token.realm = self.realm();
        token.creator = Some(self.creator().await?);
        let created = self.state.service.create(token).await?;
        Ok(Yield {
            token: Some(created.token),
            record: Some(created.record),
            records: None,
        })
    }

    async fn list(&self) -> Outcome<Yield> {
        Ok(Yield {
            records: Some(self.state.service.records(self.user(), self.realm()).await?),
            ..Yield::default()
        })
    }

    async fn rename(&self, given: Parameters) -> Outcome<Yield> {
        let (name, new_name) = (given.name.unwrap_or_default(), given.new_name.unwrap_or_default());
        let service = &self.state.service;
        Ok(Yield::record(
            service.rename(self.user(), self.realm(), &name, &new_name).await?,
        ))
    }

    async fn update(&self, given: Parameters) -> Outcome<Yield> {
        let update = TokenUpdate {
            new_name: given.new_name,
            access: given.access,
            expires: given.expires.map(expiry),
            addresses: given.addresses,
            creator: Some(self.creator().await?),
        };
        let name = given.name.unwrap_or_default();
        let service = &self.state.service;
        Ok(Yield::record(
            service.update(self.user(), self.realm(), &name, update).await?,
        ))
    }

    async fn revoke(&self, given: Parameters) -> Outcome<Yield> {
        let names = given.names.unwrap_or_else(|| given.name.into_iter().collect());
        self.state.service.revoke(self.user(), self.realm(), &names).await?;
        Ok(Yield::default())
    }

    async fn details(&self, given: Parameters) -> Outcome<Yield> {
        let text = given.token.unwrap_or_default();
        let record = self
            .state
            .service
            .find(self.user(), self.realm(), text.expose())
            .await?;
        Ok(record.map(Yield::record).unwrap_or_default())
    }

    /// The record of the token that asks, as it is now: what it makes can be no more than itself.
    async fn creator(&self) -> Outcome<Record> {
        let service = &self.state.service;
        let own = |record: &Record| record.id == self.admitted.id;
        let names: Vec<String> = self.admitted.verdict.name.clone().into_iter().collect();
        let named = service
            .store()
            .tokens_named(self.user(), &names)
            .await
            .map_err(Error::from)?;
        if let Some(token) = named.into_iter().find(|token| own(&token.record)) {
            return Ok(token.record);
        }
        // It was renamed meanwhile, or revoked.
        let mut records = service.records(self.user(), None).await?.into_iter();
        records.find(own).ok_or(Failure::Gone)
    }
}

/// Whether the function was understood and refused, rather than that something broke.
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

/// A parameter may be a token.
fn wipe(request: ParametersRequest) {
    drop(Form::from(request.values));
}
