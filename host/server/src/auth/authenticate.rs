//! Authenticates requests: blocked addresses, the header, the verifier, and the refusals.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokenlatch_core::{Api, Call, ErrorCode, IdentifyRequest, Realm, Reason, Reply, ReplyRequest, Shape, Verdict};

use crate::auth::admitted::{Admitted, note};
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::auth::failed_attempts::Failures;
use crate::middleware::client::Client;
use crate::module_reply::denying;
use crate::problem::Problem;
use tokenlatch::Error;
use tokenlatch::Presented;

/// Errors that the module finds in the call itself, before it looks at a token.
const CALL_ERRORS: &[ErrorCode] = &[
    ErrorCode::FeatureInvalid,
    ErrorCode::CallAmbiguous,
    ErrorCode::FieldMissing,
];

const CALL_INVALID: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "call_invalid",
    "The request does not name a valid call.",
);

/// A reply that ends the handling of a request early.
pub(crate) struct EarlyReply(Box<Response>);

impl<R: IntoResponse> From<R> for EarlyReply {
    fn from(reply: R) -> EarlyReply {
        EarlyReply(Box::new(reply.into_response()))
    }
}

/// The reply of a handler, from either branch of its result.
pub(crate) fn reply_of(outcome: Result<Response, EarlyReply>) -> Response {
    outcome.unwrap_or_else(|EarlyReply(reply)| *reply)
}

/// Admits a request with a token, or returns the refusal. Only a verdict of the module admits a request.
pub(crate) async fn admit(
    state: &impl Backend,
    client: &Client,
    headers: &HeaderMap,
    call: &Call,
) -> Result<Admitted, EarlyReply> {
    let admitted = pass(state, client, headers, call).await?;
    // What this service does itself always needs a token.
    admitted.ok_or_else(|| unavailable(state).into())
}

/// Admits a request, or returns the refusal. `None` for a public route, which needs no token.
pub(crate) async fn pass(
    state: &impl Backend,
    client: &Client,
    headers: &HeaderMap,
    call: &Call,
) -> Result<Option<Admitted>, EarlyReply> {
    if let Some(wait) = state.failures().blocked(client.counted()) {
        return Err(signed(state, Denial::Later(wait), "address_blocked", None));
    }
    let fields = state.credential_fields().of_request(headers);
    let presented = state.credential_fields().presented(&fields);
    let verdict = match state.verify(presented, call, client).await {
        Ok(verdict) => verdict,
        Err(Error::Refused(error)) if CALL_ERRORS.contains(&error.code) => return Err(CALL_INVALID.into()),
        Err(error) => {
            tracing::error!(code = error.code(), "verification failed: {error}");
            let mut reply = unavailable(state);
            note(&mut reply, error.code(), None);
            return Err(reply.into());
        }
    };
    let refused = |reply: Reply| {
        let mut reply = denying(reply);
        note(&mut reply, verdict.reason.as_str(), Some(&verdict));
        EarlyReply::from(reply)
    };
    match (&verdict.refusal, &verdict.user) {
        (None, Some(user)) if verdict.allowed => Ok(Some(Admitted {
            user: user.clone(),
            id: verdict.id.clone(),
            verdict,
        })),
        (None, None) if verdict.allowed && verdict.reason == Reason::Public => Ok(None),
        (Some(refusal), _) => {
            if verdict.status == StatusCode::UNAUTHORIZED.as_u16() {
                let user = presented_user(state, presented);
                if let Some(wait) = state.failures().failed(client.counted(), user.as_deref()) {
                    return Err(signed(
                        state,
                        Denial::Later(wait),
                        verdict.reason.as_str(),
                        Some(&verdict),
                    ));
                }
            }
            Err(refused(Reply {
                status: refusal.status,
                headers: refusal.headers.clone(),
                body: refusal.body.clone(),
            }))
        }
        // Any other verdict without a refusal admits nothing.
        (None, _) => Err(unavailable(state).into()),
    }
}

/// Refuses requests without a valid token before the request is read further. An admitted request may be refused later.
pub(crate) async fn recognise(
    state: &impl Backend,
    client: &Client,
    headers: &HeaderMap,
    realm: Realm,
) -> Result<(), EarlyReply> {
    // No token may use API 1, so this call never succeeds, and no use is recorded.
    let call = Call {
        api: Some(Api::Api1),
        ..calls::nothing(realm)
    };
    match admit(state, client, headers, &call).await {
        Err(ended) if ended.0.status() != StatusCode::FORBIDDEN => Err(ended),
        _ => Ok(()),
    }
}

/// The user that a refused credential claims, whether or not the user exists.
fn presented_user(state: &impl Backend, presented: Presented<'_>) -> Option<String> {
    let request = IdentifyRequest {
        authorization: presented.authorization(state.config().credentials.as_deref()),
        peppers: Vec::new(),
    };
    state.module().identify(&request).ok()?.user
}

/// The kinds of refusal.
#[derive(Clone, Copy)]
pub(crate) enum Denial {
    /// The token is not valid, or no longer.
    Unauthorized,
    /// The token may not do this.
    Forbidden,
    /// Too many failed attempts. The client may try again after this time.
    Later(Duration),
    /// No decision could be made or stored. The token is not at fault.
    Unavailable,
}

/// A refusal in the module's format.
pub(crate) fn denied(state: &impl Backend, denial: Denial) -> Response {
    let (status, seconds) = match denial {
        Denial::Unauthorized => (401, None),
        Denial::Forbidden => (403, None),
        Denial::Later(wait) => (429, Some(i64::from(Failures::retry_after(wait)))),
        Denial::Unavailable => (503, Some(1)),
    };
    let reply = state.module().reply(&ReplyRequest {
        shape: Shape::Denied,
        http_status: Some(status),
        retry_after: seconds,
        credentials: state.config().credentials.clone(),
        ..ReplyRequest::default()
    });
    reply.map_or_else(|_| Problem::UNAVAILABLE.into_response(), denying)
}

/// A refusal, with the reason for the log.
fn signed(state: &impl Backend, denial: Denial, reason: &'static str, verdict: Option<&Verdict>) -> EarlyReply {
    let mut reply = denied(state, denial);
    note(&mut reply, reason, verdict);
    reply.into()
}

/// 403 for a valid token, with the server's own reason for the log.
pub(crate) fn forbidden(state: &impl Backend, admitted: &Admitted, reason: &'static str) -> EarlyReply {
    signed(state, Denial::Forbidden, reason, Some(&admitted.verdict))
}

/// A refusal with status 400, for a request with a secret where none is allowed.
pub(crate) fn malformed(state: &impl Backend) -> Response {
    let mut reply = denied(state, Denial::Forbidden);
    *reply.status_mut() = StatusCode::BAD_REQUEST;
    reply
}

/// 503: no decision could be made or stored, so nothing was done. Never reported as a refusal of the token.
pub(crate) fn unavailable(state: &impl Backend) -> Response {
    denied(state, Denial::Unavailable)
}
