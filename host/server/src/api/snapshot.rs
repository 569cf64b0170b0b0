//! `/snapshot`: the signed table for edges, its changes, and the edges' usage reports.
//!
//! It needs a token of the administrator's port. Reading needs the right `snapshot-read`. Reporting needs `usage-report` and a
//! token that may write. Only administrators' accounts have these rights.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Extension, Request, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use tokenlatch_core::{SNAPSHOT_READ, USAGE_REPORT};

use crate::auth::admitted::Admitted;
use crate::auth::authenticate::{EarlyReply, admit, malformed, reply_of, unavailable};
use crate::auth::calls;
use crate::body::read_body;
use crate::form::{Form, Kind};
use crate::middleware::client::Client;
use crate::problem::Problem;
use crate::state::State;
use tokenlatch::Error;
use tokenlatch::Version;
use tokenlatch::{Delta, Message, Publisher, UsageReport};

const KIND: HeaderValue = HeaderValue::from_static("application/vnd.tokenlatch.snapshot");

/// Caches must revalidate a stored snapshot.
const KEPT: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The longest time that a client may wait for a change, in seconds.
const LONGEST_WAIT: u64 = 60;

const WRONG_QUERY: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "since_invalid",
    "The query must have since=EPOCH-VERSION, and may have wait=SECONDS.",
);
const GAP: Problem = Problem::new(
    StatusCode::CONFLICT,
    "snapshot_gap",
    "There is no delta from this version; get the snapshot.",
);
const WRONG_REPORT: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "report_invalid",
    "The body is not a usage report: follower, batch, and at most 2000 tokens with id or hash, lastUsed and uses.",
);

/// Sends the whole table.
pub(crate) async fn whole(
    Shared(state): Shared<Arc<State>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(send_whole(&state, &client, request).await)
}

/// Sends the changes, as soon as there is one.
pub(crate) async fn deltas(
    Shared(state): Shared<Arc<State>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(send_delta(&state, &client, request).await)
}

/// Accepts a usage report.
pub(crate) async fn usage(
    Shared(state): Shared<Arc<State>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(take_report(&state, &client, request).await)
}

async fn publisher(state: &State) -> Result<&Publisher, EarlyReply> {
    let publisher = state.publisher().await.map_err(|error| failed(state, &error))?;
    Ok(publisher.ok_or(Problem::NOT_FOUND)?)
}

async fn send_whole(state: &State, client: &Client, request: Request) -> Result<Response, EarlyReply> {
    publisher(state).await?;
    let (parts, _) = request.into_parts();
    if calls::holds_secret(Form::of_query(parts.uri.query())?.keys()) {
        return Err(malformed(state).into());
    }
    let call = calls::machine(SNAPSHOT_READ, false);
    let admitted = admit(state, client, &parts.headers, &call).await?;
    // This queries the store. If the database went back in time, a new epoch begins here.
    let publisher = publisher(state).await?;
    if let Some(tag) = held(&parts.headers)
        && publisher.is_current(tag).await.map_err(|error| failed(state, &error))?
    {
        let mut reply = StatusCode::NOT_MODIFIED.into_response();
        mark(&mut reply, tag);
        return Ok(admitted.sign(reply));
    }
    let message = publisher.snapshot().await.map_err(|error| failed(state, &error))?;
    Ok(send(&admitted, &message))
}

async fn send_delta(state: &State, client: &Client, request: Request) -> Result<Response, EarlyReply> {
    let publisher = publisher(state).await?;
    let (parts, _) = request.into_parts();
    let query = Form::of_query(parts.uri.query())?;
    if calls::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    let call = calls::machine(SNAPSHOT_READ, false);
    let admitted = admit(state, client, &parts.headers, &call).await?;
    let (since, wait) = asked(&query)?;
    let delta = publisher
        .delta(since, wait)
        .await
        .map_err(|error| failed(state, &error))?;
    // The token may have been revoked while the request waited, so it is verified again.
    let admitted = match wait.is_zero() {
        true => admitted,
        false => admit(state, client, &parts.headers, &call).await?,
    };
    match delta {
        Delta::Message(message) => Ok(send(&admitted, &message)),
        Delta::Gap => Ok(admitted.sign(GAP)),
    }
}

#[derive(Serialize)]
struct Reported {
    added: bool,
}

async fn take_report(state: &State, client: &Client, request: Request) -> Result<Response, EarlyReply> {
    publisher(state).await?;
    let (parts, body) = request.into_parts();
    if calls::holds_secret(Form::of_query(parts.uri.query())?.keys()) {
        return Err(malformed(state).into());
    }
    let call = calls::machine(USAGE_REPORT, true);
    admit(state, client, &parts.headers, &call).await?;
    if !matches!(Kind::of(&parts.headers)?, Kind::Json) {
        return Err(WRONG_REPORT.into());
    }
    let bytes = read_body(body, &state.config.limits).await?;
    // The client chose how long the body took, so the token is verified again.
    let admitted = admit(state, client, &parts.headers, &call).await?;
    let report: UsageReport = serde_json::from_slice(&bytes).map_err(|_| WRONG_REPORT)?;
    report.check().map_err(|_| WRONG_REPORT)?;
    let added = report
        .add_to(&state.service)
        .await
        .map_err(|error| failed(state, &error))?;
    let fields = [(CONTENT_TYPE, "application/json")];
    let text = serde_json::to_string(&Reported { added }).unwrap_or_default();
    Ok(admitted.sign((fields, text)))
}

/// The version that the client has, and how long it wants to wait.
fn asked(query: &Form) -> Result<(Version, Duration), Problem> {
    let since = query.one("since")?.ok_or(WRONG_QUERY)?;
    let (epoch, version) = since.split_once('-').ok_or(WRONG_QUERY)?;
    let number = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| plain).ok_or(WRONG_QUERY)
    };
    let wait = match query.one("wait")? {
        Some(wait) => number(&wait)?.unsigned_abs().min(LONGEST_WAIT),
        None => 0,
    };
    let since = Version {
        epoch: number(epoch)?,
        version: number(version)?,
    };
    Ok((since, Duration::from_secs(wait)))
}

/// The `If-None-Match` tag of the client's snapshot, if it sent one.
fn held(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(IF_NONE_MATCH)?.to_str().ok()?;
    text.trim().strip_prefix('"')?.strip_suffix('"')
}

fn send(admitted: &Admitted, message: &Message) -> Response {
    let (head, body) = message.parts();
    let body = Bytes::from_owner(SharedBody(Arc::clone(body)));
    let mut reply = Response::new(Body::new(TwoPartBody([Bytes::copy_from_slice(head), body])));
    reply.headers_mut().insert(CONTENT_TYPE, KIND);
    mark(&mut reply, &message.tag);
    admitted.sign(reply)
}

fn mark(reply: &mut Response, tag: &str) {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply.headers_mut().insert(CACHE_CONTROL, KEPT);
}

/// The body of a message, shared by replies.
struct SharedBody(Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBody {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A reply body in two pieces with a known length.
struct TwoPartBody([Bytes; 2]);

impl HttpBody for TwoPartBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.iter_mut().find(|piece| !piece.is_empty());
        Poll::Ready(next.map(|piece| Ok(Frame::data(std::mem::take(piece)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }

    fn is_end_stream(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }
}

fn failed(state: &State, error: &Error) -> EarlyReply {
    tracing::error!(code = error.code(), "the snapshot cannot be made: {error}");
    unavailable(state).into()
}
