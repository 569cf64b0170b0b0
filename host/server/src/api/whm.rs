//! `/json-api/FUNCTION` on the administrator's port: WHM API 1. RULES.md, 5.

use std::sync::Arc;

use axum::extract::{Extension, Request, State as Shared};
use axum::response::Response;
use tokenlatch_core::{Realm, Shape, calls_others};

use crate::api::forwarding::pass_on;
use crate::api::nested_calls;
use crate::api::token_functions::given;
use crate::auth::authenticate::{EarlyReply, admit, malformed, reply_of};
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::form::Form;
use crate::guard::catalogue_file::{WHM, is_ours};
use crate::middleware::client::Client;
use crate::problem::Problem;
use tokenlatch::FunctionCall;

/// The function that calls account functions.
pub(crate) const CPANEL: &str = "cpanel";

/// Answers the service's own administrator functions and forwards the others.
pub(crate) async fn handle<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(call(state.as_ref(), &client, request).await)
}

async fn call<T: Backend>(state: &T, client: &Client, request: Request) -> Result<Response, EarlyReply> {
    let (parts, body) = request.into_parts();
    let function = calls::json_api(parts.uri.path()).ok_or(Problem::NOT_FOUND)?;
    calls::check_method(&parts.method, is_ours(WHM, function))?;
    let query = Form::of_query(parts.uri.query())?;
    if calls::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    let call = calls::whm(function);
    let admitted = admit(state, client, &parts.headers, &call).await?;
    if function.eq_ignore_ascii_case(CPANEL) {
        // Other spellings of `cpanel` are refused: only this one has a route, where its parameters are checked.
        return Ok(admitted.sign(calls::NO_FUNCTION));
    }
    if !is_ours(WHM, function) {
        let (admitted, request) = if calls_others(WHM, function) {
            nested_calls::checked(state, client, parts.clone(), &call, (admitted, query, body)).await?
        } else {
            (admitted, Request::from_parts(parts, body))
        };
        return Ok(pass_on(state, client, request, &admitted, Realm::Admin).await);
    }
    if !T::MANAGES || !FunctionCall::exists(Shape::Whm, function) {
        return Ok(admitted.sign(calls::NO_FUNCTION));
    }
    let (admitted, form) = given(state, client, &parts, &call, (admitted, query, body)).await?;
    let reply = state.manage(&admitted, Shape::Whm, function, form).await;
    Ok(admitted.sign(reply))
}
