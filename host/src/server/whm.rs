//! `/json-api/FUNCTION` on the administrator's port: WHM API 1. CONTRACT.md, 5.

use std::sync::Arc;

use axum::extract::{Extension, Request, State as Shared};
use axum::response::Response;
use tokenlatch_core::{Api, Realm, ReplyError, Shape};

use super::admission::{Ended, admit, malformed, reply_of};
use super::client::Client;
use super::form::Form;
use super::problem::Problem;
use super::state::State;
use super::target;
use super::tokens::{Job, given};
use crate::service::FunctionCall;

/// The parameter that must say 1.
const VERSION: &str = "api.version";

const OTHER_VERSION: &str = "The parameter \"api.version\" must be 1.";

/// Answers the administrator's functions.
pub(super) async fn handle(
    Shared(state): Shared<Arc<State>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(call(&state, &client, request).await)
}

async fn call(state: &State, client: &Client, request: Request) -> Result<Response, Ended> {
    let (parts, body) = request.into_parts();
    let function = target::json_api(parts.uri.path()).ok_or(Problem::NOT_FOUND)?;
    target::check_method(&parts.method)?;
    let query = Form::of_query(parts.uri.query())?;
    if target::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    let call = target::function(Api::Whm, "whm", function, Realm::Admin);
    let admitted = admit(state, client, &parts.headers, &call).await?;
    if !FunctionCall::exists(Shape::Whm, function) {
        return Ok(admitted.sign(target::NO_FUNCTION));
    }
    let (admitted, form) = given(state, client, &parts, &call, (admitted, query, body)).await?;
    let job = Job {
        state,
        admitted: &admitted,
        shape: Shape::Whm,
        function,
    };
    let spoken = matches!(form.one(VERSION), Ok(Some(version)) if version == "1");
    let reply = if spoken {
        job.run(form).await
    } else {
        job.refuse(ReplyError::Sentence(OTHER_VERSION.to_owned()))
    };
    Ok(admitted.sign(reply))
}
