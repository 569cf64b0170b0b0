//! The functions of the compatible interfaces over the database: parameters, service, reply.

use tokenlatch::core::{
    ExpiryInput, Parameters, ParametersRequest, Realm, Record, ReplyError, ReplyRequest, SecretString, Shape,
    ValidExpiry, Value,
};
use tokenlatch::{Error, NewToken, Service, TokenUpdate};
use zeroize::Zeroizing;

use super::context::Context;
use super::failure::Failure;

/// A function that only a server has.
pub fn not_ours(name: &str) -> Failure {
    Failure::Own {
        code: "function_unknown",
        message: format!(
            "`{}` isn't a function of the database; `--url` asks a server that has it",
            name.escape_debug()
        ),
        exit: 1,
    }
}

/// A function of UAPI's `Tokens`: its reply as the command `uapi` prints it.
pub async fn uapi(
    context: &mut Context<'_>,
    user: &str,
    function: &str,
    parameters: Vec<(String, String)>,
) -> Result<Zeroizing<String>, Failure> {
    run(context, Shape::UapiCommand, user, function, parameters).await
}

/// A function of WHM API 1.
pub async fn whm(
    context: &mut Context<'_>,
    user: &str,
    function: &str,
    parameters: Vec<(String, String)>,
) -> Result<Zeroizing<String>, Failure> {
    run(context, Shape::Whm, user, function, parameters).await
}

/// What a function yielded.
#[derive(Default)]
struct Yield {
    token: Option<SecretString>,
    record: Option<Record>,
    records: Option<Vec<Record>>,
}

struct Job<'a> {
    service: &'a Service,
    shape: Shape,
    realm: Realm,
    user: &'a str,
    function: &'a str,
}

async fn run(
    context: &mut Context<'_>,
    shape: Shape,
    user: &str,
    function: &str,
    parameters: Vec<(String, String)>,
) -> Result<Zeroizing<String>, Failure> {
    let service = context.open().await?;
    let realm = if shape == Shape::Whm {
        Realm::Admin
    } else {
        Realm::Account
    };
    let job = Job {
        service: &service,
        shape,
        realm,
        user,
        function,
    };
    let (outcome, unknown) = match job.read(parameters) {
        Ok(mut given) => {
            let unknown = std::mem::take(&mut given.unknown);
            (job.perform(given).await, unknown)
        }
        Err(error) if error.code() == "function_unknown" => return Err(not_ours(function)),
        Err(error) => (Err(error), Vec::new()),
    };
    let (done, error) = match outcome {
        Ok(done) => (done, None),
        Err(error) => {
            let told = ReplyError::coded(error.code(), error.field());
            if !is_refusal(&error) {
                // The reply says no more than that it failed; whoever may open the database may know why.
                context.output.remark(error.message());
            }
            (Yield::default(), Some(told))
        }
    };
    let reply = service.module().reply(&ReplyRequest {
        shape,
        function: Some(function.to_owned()),
        token: done.token,
        record: done.record,
        records: done.records,
        error,
        unknown,
        ..ReplyRequest::default()
    })?;
    Ok(Zeroizing::new(reply.body))
}

fn is_refusal(error: &Error) -> bool {
    match error {
        Error::Refused(_) => true,
        Error::Store(error) => error.is_refusal(),
        _ => false,
    }
}

impl Job<'_> {
    fn read(&self, parameters: Vec<(String, String)>) -> Result<Parameters, Error> {
        let values = parameters.into_iter().map(|(key, value)| (key, Value::String(value)));
        self.service.module().parameters(&ParametersRequest {
            shape: self.shape,
            function: self.function.to_owned(),
            values: values.collect(),
        })
    }

    async fn perform(&self, given: Parameters) -> Result<Yield, Error> {
        match self.function {
            "create_full_access" | "create_limited" | "api_token_create" => self.create(given).await,
            "list" | "api_token_list" => self.list().await,
            "rename" | "set_addresses" | "api_token_update" => self.update(given).await,
            "revoke" | "api_token_revoke" => self.revoke(given).await,
            _ => self.details(given).await,
        }
    }

    async fn create(&self, given: Parameters) -> Result<Yield, Error> {
        let access = given.access.unwrap_or_default();
        let mut token = NewToken::new(self.user, &given.name.unwrap_or_default(), access);
        token.expires = given.expires.map(expiry);
        token.read_only = given.read_only.unwrap_or_default();
        token.addresses = given.addresses.unwrap_or_default();
        token.realm = self.realm;
        let created = self.service.create(token).await?;
        Ok(Yield {
            token: Some(created.token),
            record: Some(created.record),
            records: None,
        })
    }

    async fn list(&self) -> Result<Yield, Error> {
        self.service.account(self.user).await?;
        let records = self.service.records(self.user, self.realm).await?;
        Ok(Yield {
            records: Some(records),
            ..Yield::default()
        })
    }

    async fn update(&self, given: Parameters) -> Result<Yield, Error> {
        let update = TokenUpdate {
            new_name: given.new_name,
            access: given.access,
            expires: given.expires.map(expiry),
            addresses: given.addresses,
            creator: None,
        };
        let name = given.name.unwrap_or_default();
        let record = self.service.update(self.user, self.realm, &name, update).await?;
        Ok(Yield {
            record: Some(record),
            ..Yield::default()
        })
    }

    async fn revoke(&self, given: Parameters) -> Result<Yield, Error> {
        let names = given.names.unwrap_or_else(|| given.name.into_iter().collect());
        self.service.revoke(self.user, self.realm, &names).await?;
        Ok(Yield::default())
    }

    async fn details(&self, given: Parameters) -> Result<Yield, Error> {
        let text = given.token.unwrap_or_default();
        let record = self.service.find(self.user, self.realm, text.expose()).await?;
        Ok(Yield {
            record,
            ..Yield::default()
        })
    }
}

fn expiry(expires: ValidExpiry) -> ExpiryInput {
    match expires {
        ValidExpiry::At(seconds) => ExpiryInput::Seconds(seconds),
        ValidExpiry::Never => ExpiryInput::Text("never".to_owned()),
    }
}
