//! `/execute/Module/function`: UAPI. RULES.md, 3.

use std::sync::Arc;

use axum::extract::{Extension, Request, State as Shared};
use axum::response::Response;
use tokenlatch_core::{Api, Realm, Shape, calls_others};

use super::admission::{Ended, admit, malformed, reply_of};
use super::catalogue::is_ours;
use super::client::Client;
use super::detour;
use super::form::Form;
use super::problem::Problem;
use super::target;
use super::threshold::Threshold;
use super::tokens::given;
use super::upstream::pass_on;
use crate::service::FunctionCall;

/// Answers a function of ours, passes any other on.
pub(super) async fn handle<T: Threshold>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(execute(state.as_ref(), &client, request).await)
}

async fn execute<T: Threshold>(state: &T, client: &Client, request: Request) -> Result<Response, Ended> {
    let (parts, body) = request.into_parts();
    let (module, function) = target::execute(parts.uri.path()).ok_or(Problem::NOT_FOUND)?;
    target::check_method(&parts.method, is_ours(module, function))?;
    let query = Form::of_query(parts.uri.query())?;
    if target::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    let call = target::function(Api::Uapi, module, function, Realm::Account);
    let admitted = admit(state, client, &parts.headers, &call).await?;
    if is_ours(module, function) {
        if !T::MANAGES || module != "Tokens" || !FunctionCall::exists(Shape::Uapi, function) {
            return Ok(admitted.sign(target::NO_FUNCTION));
        }
        let (admitted, form) = given(state, client, &parts, &call, (admitted, query, body)).await?;
        let reply = state.manage(&admitted, Shape::Uapi, function, form).await;
        return Ok(admitted.sign(reply));
    }
    let (admitted, request) = if calls_others(module, function) {
        detour::checked(state, client, parts.clone(), &call, (admitted, query, body)).await?
    } else {
        (admitted, Request::from_parts(parts, body))
    };
    Ok(pass_on(state, client, request, &admitted, Realm::Account).await)
}
