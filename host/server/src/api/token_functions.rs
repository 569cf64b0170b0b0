//! The token functions over HTTP.

use axum::body::{Body, HttpBody};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tokenlatch_core::{Call, ReplyError, Shape};

use crate::auth::admitted::Admitted;
use crate::auth::authenticate::{Denial, EarlyReply, admit, denied, unavailable};
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::form::Form;
use crate::middleware::client::Client;
use crate::module_reply::response;
use tokenlatch::Error;
use tokenlatch::Service;
use tokenlatch::{AskingToken, FunctionCall, FunctionFailure};

/// The parameter that must be 1.
const VERSION: &str = "api.version";
const OTHER_VERSION: &str = "The parameter \"api.version\" must be 1.";

/// Reads the parameters of a function. The client chooses how long the body takes, so the request is admitted again afterwards.
pub(crate) async fn given(
    state: &impl Backend,
    client: &Client,
    parts: &Parts,
    call: &Call,
    (admitted, query, body): (Admitted, Form, Body),
) -> Result<(Admitted, Form), EarlyReply> {
    let at_once = body.is_end_stream();
    let form = match query.with_body(parts, body, &state.config().limits).await {
        Ok(form) => form,
        Err(problem) => return Err(admitted.sign(problem).into()),
    };
    let admitted = match at_once {
        true => admitted,
        false => admit(state, client, &parts.headers, call).await?,
    };
    Ok((admitted, form))
}

/// A call of a token function, and its caller.
pub(crate) struct TokenCall<'a, B> {
    pub(crate) backend: &'a B,
    pub(crate) service: &'a Service,
    pub(crate) admitted: &'a Admitted,
    pub(crate) shape: Shape,
    pub(crate) function: &'a str,
}

impl<B: Backend> TokenCall<'_, B> {
    /// Runs the function and builds the reply.
    pub(crate) async fn run(&self, form: Form) -> Response {
        if let (Shape::Whm, Some(error)) = (self.shape, other_version(&form)) {
            return self.refuse(error);
        }
        match self.service.function(&self.call(), form.into_values()).await {
            Ok(reply) => response(reply),
            Err(FunctionFailure::Unknown) => calls::NO_FUNCTION.into_response(),
            Err(FunctionFailure::Gone) => denied(self.backend, Denial::Unauthorized),
            Err(FunctionFailure::Failed(error)) => self.broken(&error),
        }
    }

    /// The function's failure, in the module's format.
    fn refuse(&self, error: ReplyError) -> Response {
        let reply = self.service.function_refused(&self.call(), error);
        reply.map_or_else(|error| self.broken(&error), response)
    }

    fn call(&self) -> FunctionCall<'_> {
        FunctionCall {
            shape: self.shape,
            function: self.function,
            user: &self.admitted.user,
            token: Some(AskingToken {
                // No token has the empty id, so an unknown id has no permissions.
                id: self.admitted.id.as_deref().unwrap_or_default(),
                name: self.admitted.verdict.name.as_deref(),
            }),
        }
    }

    /// The reply when the store or the module failed. It gives no cause.
    fn broken(&self, error: &Error) -> Response {
        tracing::error!(code = error.code(), function = self.function, "a function failed");
        unavailable(self.backend)
    }
}

/// The error for an unsupported API version, if any.
fn other_version(form: &Form) -> Option<ReplyError> {
    let spoken = matches!(form.one(VERSION), Ok(Some(version)) if version == "1");
    (!spoken).then(|| ReplyError::Sentence(OTHER_VERSION.to_owned()))
}
