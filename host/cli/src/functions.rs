//! The functions of the compatible interfaces, on the database. They act as the account in person.

use tokenlatch::core::{ReplyError, ReplyRequest, Shape, Value};
use tokenlatch::{FunctionCall, FunctionFailure};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::failure::Failure;

/// Returns the error for a function that only a server has.
pub fn not_ours(name: &str) -> Failure {
    Failure::Own {
        code: "function_unknown",
        message: format!(
            "`{}` doesn't work on the database; call a server with `--url`",
            name.escape_debug()
        ),
        exit: 1,
    }
}

/// Calls a function of UAPI's `Tokens` and returns its reply as the command `uapi` prints it.
pub async fn uapi(
    context: &mut Context<'_>,
    user: &str,
    function: &str,
    parameters: Parameters,
) -> Result<Zeroizing<String>, Failure> {
    run(context, Shape::UapiCommand, user, function, parameters).await
}

/// Calls a function of WHM API 1.
pub async fn whm(
    context: &mut Context<'_>,
    user: &str,
    function: &str,
    parameters: Parameters,
) -> Result<Zeroizing<String>, Failure> {
    run(context, Shape::Whm, user, function, parameters).await
}

/// Returns the reply for a function that could not be called; `None` if errors are wanted in Tokenlatch's own form.
pub fn failed(context: &Context<'_>, shape: Shape, function: &str, failure: &Failure) -> Option<Zeroizing<String>> {
    let message = failure.sentence().filter(|_| !context.output.wants_json())?;
    let reply = Context::module().ok()?.reply(&ReplyRequest {
        shape,
        function: Some(function.to_owned()),
        error: Some(ReplyError::Sentence(message)),
        ..ReplyRequest::default()
    });
    Some(Zeroizing::new(reply.ok()?.body))
}

type Parameters = Vec<(String, serde_json::Value)>;

/// Converts a JSON value to the module's type.
fn plain(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => number.as_i64().map_or(Value::OtherNumber, Value::Int),
        serde_json::Value::String(text) => Value::String(text),
        serde_json::Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        serde_json::Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, plain(value))).collect())
        }
    }
}

async fn run(
    context: &mut Context<'_>,
    shape: Shape,
    user: &str,
    function: &str,
    parameters: Parameters,
) -> Result<Zeroizing<String>, Failure> {
    let service = context.open().await?;
    let call = FunctionCall {
        shape,
        function,
        user,
        token: None,
    };
    let values = parameters.into_iter().map(|(key, value)| (key, plain(value)));
    let reply = match service.function(&call, values.collect()).await {
        Ok(reply) => reply,
        Err(FunctionFailure::Failed(error)) => {
            // The reply hides the reason, but this user can open the database and may see it.
            context.output.remark(error.message());
            service.function_refused(&call, ReplyError::coded(error.code(), error.field()))?
        }
        Err(_) => return Err(not_ours(function)),
    };
    Ok(Zeroizing::new(reply.body))
}
