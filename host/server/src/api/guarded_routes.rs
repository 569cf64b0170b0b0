//! The listener for routes: every request is judged by the catalogue's routes, and forwarded if it is admitted.

use std::sync::Arc;

use axum::extract::{Extension, Request, State as Shared};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use tokenlatch_core::{Call, Realm, Reason, Verdict, call_of};

use crate::auth::admitted::note;
use crate::auth::authenticate::{EarlyReply, forbidden, pass, reply_of, unavailable};
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::guard::upgrade::Upgrade;
use crate::middleware::client::Client;
use crate::middleware::log_fields::Forwarded;
use crate::middleware::metrics;

/// The reason in the log for a CORS preflight that needed no token.
const PREFLIGHT: &str = "preflight";

/// Judges and forwards a request.
pub(crate) async fn handle<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(guard(&state, client, request).await)
}

async fn guard<T: Backend>(state: &Arc<T>, client: Client, mut request: Request) -> Result<Response, EarlyReply> {
    if is_preflight(state.as_ref(), &request) {
        let mut reply = forward(state, client, request, None, None).await;
        note(&mut reply, PREFLIGHT, None);
        return Ok(reply);
    }
    let call = call_of(request.method().as_str(), target(request.uri()), Realm::Account);
    // A call that cannot be determined is refused to every token; one that is not valid is still told so.
    let judged = call.clone().unwrap_or_else(|| calls::nothing(Realm::Account));
    let admitted = pass(state.as_ref(), &client, request.headers(), &judged).await?;
    let Some(call) = call else {
        return Err(admitted.map_or_else(
            || unavailable(state.as_ref()).into(),
            |admitted| forbidden(state.as_ref(), &admitted, "call_unclear"),
        ));
    };
    let upgrade = Upgrade::of(&mut request).map(|upgrade| (upgrade, call));
    let Some(admitted) = admitted else {
        let mut reply = forward(state, client, request, None, upgrade).await;
        note(&mut reply, Reason::Public.as_str(), None);
        return Ok(reply);
    };
    let verdict = Some(admitted.verdict.as_ref());
    Ok(admitted.sign(forward(state, client, request, verdict, upgrade).await))
}

fn target(uri: &Uri) -> &[u8] {
    uri.path_and_query().map_or(b"", |target| target.as_str().as_bytes())
}

fn is_preflight(state: &impl Backend, request: &Request) -> bool {
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let (method, target) = (request.method().as_str(), target(request.uri()));
    state.preflights().admits(method, target, fields)
}

async fn forward<T: Backend>(
    state: &Arc<T>,
    client: Client,
    request: Request,
    verdict: Option<&Verdict>,
    upgrade: Option<(Upgrade, Call)>,
) -> Response {
    let Some(upstream) = state.upstream() else {
        return calls::NO_FUNCTION.into_response();
    };
    if let Some(forwarded) = request.extensions().get::<Forwarded>() {
        forwarded.begin();
    }
    let Some((upgrade, call)) = upgrade else {
        return upstream.forward_route(request, verdict, &client).await;
    };
    let ended = refused(Arc::clone(state), client, request.headers().clone(), call);
    upstream
        .forward_upgrade(request, verdict, &client, upgrade, ended)
        .await
}

/// Completes once a request that was admitted would be refused, or cannot be judged.
async fn refused<T: Backend>(state: Arc<T>, client: Client, headers: HeaderMap, call: Call) {
    let interval = state.config().limits.upgrade_check;
    let fields = state.credential_fields().of_request(&headers);
    loop {
        tokio::time::sleep(interval).await;
        let presented = state.credential_fields().presented(&fields);
        let verdict = state.verify_again(presented, &call, &client);
        let reason = match tokio::time::timeout(interval, verdict).await {
            Ok(Ok(verdict)) if verdict.allowed => continue,
            Ok(Ok(verdict)) => verdict.reason.as_str(),
            Ok(Err(error)) => error.code(),
            Err(_) => "verification_timeout",
        };
        metrics::verified(reason);
        tracing::info!(reason, request_id = %client.request_id, "closed an upgraded connection");
        return;
    }
}
