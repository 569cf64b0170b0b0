//! `/execute/Module/function`: UAPI. RULES.md, 3.

use std::sync::Arc;

use axum::extract::{Extension, Request, State as Shared};
use axum::response::Response;
use tokenlatch_core::{Api, Realm, Shape, calls_others};

use crate::api::forwarding::pass_on;
use crate::api::nested_calls;
use crate::api::token_functions::given;
use crate::auth::authenticate::{EarlyReply, admit, malformed, reply_of};
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::form::Form;
use crate::guard::catalogue_file::is_ours;
use crate::middleware::client::Client;
use crate::problem::Problem;
use tokenlatch::FunctionCall;

/// Answers the service's own functions and forwards the others.
pub(crate) async fn handle<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(execute(state.as_ref(), &client, request).await)
}

async fn execute<T: Backend>(state: &T, client: &Client, request: Request) -> Result<Response, EarlyReply> {
    let (parts, body) = request.into_parts();
    let (module, function) = calls::execute(parts.uri.path()).ok_or(Problem::NOT_FOUND)?;
    calls::check_method(&parts.method, is_ours(module, function))?;
    let query = Form::of_query(parts.uri.query())?;
    if calls::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    let call = calls::function(Api::Uapi, module, function, Realm::Account);
    let admitted = admit(state, client, &parts.headers, &call).await?;
    if is_ours(module, function) {
        if !T::MANAGES || module != "Tokens" || !FunctionCall::exists(Shape::Uapi, function) {
            return Ok(admitted.sign(calls::NO_FUNCTION));
        }
        let (admitted, form) = given(state, client, &parts, &call, (admitted, query, body)).await?;
        let reply = state.manage(&admitted, Shape::Uapi, function, form).await;
        return Ok(admitted.sign(reply));
    }
    let (admitted, request) = if calls_others(module, function) {
        nested_calls::checked(state, client, parts.clone(), &call, (admitted, query, body)).await?
    } else {
        (admitted, Request::from_parts(parts, body))
    };
    Ok(pass_on(state, client, request, &admitted, Realm::Account).await)
}
