//! The API behind the guard. Admitted requests are forwarded to it with the identity in header fields.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, HOST, UPGRADE};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, response};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokenlatch_core::{Realm, Verdict};
use tokio::time::Instant;

use crate::body::{MonitoredBody, Sender, TimedBody, WaitingFor};
use crate::config::Config;
use crate::error::ServerError;
use crate::form::check_takes_body;
use crate::guard::{identity_headers, removed_fields};
use crate::middleware::client::{Client, FORWARDED_FOR, FORWARDED_PROTO};
use crate::problem::Problem;

/// Time limit for the upstream to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection to the upstream is kept for the next request, and how many.
const IDLE_TIME: Duration = Duration::from_secs(30);
const IDLE: usize = 64;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The API that admitted requests are forwarded to. Clones share its connections.
#[derive(Clone)]
pub struct Upstream {
    client: HttpClient<HttpConnector, Body>,
    authority: Authority,
    /// What is put before each path: empty, or a path that does not end with a slash.
    base: String,
    longest: usize,
    /// Time limit for it to take more of a request, and to start its answer.
    time: Duration,
    /// Time limit between two pieces of its answer.
    stall: Duration,
}

const UPGRADE_REFUSED: Problem = Problem::new(
    StatusCode::NOT_IMPLEMENTED,
    "upgrade_unsupported",
    "Connections are not upgraded here.",
);
const UNREACHABLE: Problem = Problem::new(
    StatusCode::BAD_GATEWAY,
    "upstream_unreachable",
    "The API behind this service cannot be reached.",
);
const SLOW: Problem = Problem::new(
    StatusCode::GATEWAY_TIMEOUT,
    "upstream_timeout",
    "The API behind this service did not answer in time.",
);

impl Upstream {
    /// Creates the client for an upstream URL.
    ///
    /// # Errors
    /// [`ServerError::Upstream`].
    pub fn new(target: &Uri, config: &Config) -> Result<Upstream, ServerError> {
        let wrong = |reason: &str| ServerError::Upstream(reason.to_owned());
        match target.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(wrong(
                    "it is spoken to over plain HTTP; give an `http://` address of this machine or a private network",
                ));
            }
            _ => return Err(wrong("give an address such as `http://127.0.0.1:8080`")),
        }
        let authority = target
            .authority()
            .filter(|authority| !authority.host().is_empty() && target.query().is_none())
            .ok_or_else(|| wrong("give an address such as `http://127.0.0.1:8080`, without a query"))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // A request is sent again only if a connection was closed before any of it was sent. Functions that write are called by
        // GET too, so the method does not tell whether a request may be repeated.
        let client = HttpClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE)
            .build(connector);
        Ok(Upstream {
            client,
            authority: authority.clone(),
            base: target.path().trim_end_matches('/').to_owned(),
            longest: config.limits.upstream_body_bytes,
            time: config.limits.upstream_time,
            stall: config.limits.upstream_stall,
        })
    }

    /// Forwards a request with the identity of its verdict, and returns the API's answer. A public route has none.
    pub(crate) async fn forward(
        &self,
        request: Request,
        verdict: Option<&Verdict>,
        realm: Realm,
        client: &Client,
    ) -> Response {
        if upgrades(request.headers()) {
            return UPGRADE_REFUSED.into_response();
        }
        let (mut parts, body) = request.into_parts();
        // Some servers ignore the body of a GET, and would take it for another request on the connection.
        if !body.is_end_stream()
            && let Err(problem) = check_takes_body(&parts.method)
        {
            return problem.into_response();
        }
        if body.size_hint().lower() > self.longest as u64 {
            return Problem::BODY_TOO_LARGE.into_response();
        }
        add_headers(&mut parts.headers, verdict, realm, client);
        set_length(&mut parts.headers, &body);
        let (body, sender) = MonitoredBody::over(body, self.longest);
        // The version and the extensions are those of the guard's own connection.
        let mut forwarded = Request::new(body);
        let Ok(target) = self.target(&parts.uri) else {
            return Problem::INTERNAL.into_response();
        };
        *forwarded.uri_mut() = target;
        *forwarded.method_mut() = parts.method;
        *forwarded.headers_mut() = parts.headers;
        let answered = tokio::select! {
            answered = self.client.request(forwarded) => answered,
            () = self.silence(&sender) => return SLOW.into_response(),
        };
        match answered {
            Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
                tracing::error!(
                    code = UNREACHABLE.code,
                    "the upstream switched protocols without being asked"
                );
                UNREACHABLE.into_response()
            }
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                filter_answer(parts, TimedBody::over(Body::new(body), self.stall))
            }
            Err(error) => sender.fault().unwrap_or_else(|| failed(&error)).into_response(),
        }
    }

    /// The target at the API: its path and the request's, byte for byte.
    fn target(&self, requested: &Uri) -> Result<Uri, axum::http::Error> {
        let rest = requested.path_and_query().map_or("/", PathAndQuery::as_str);
        Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(format!("{}{rest}", self.base))
            .build()
    }

    /// Completes once the API has been idle for too long. The time in which the client must send more does not count, since it
    /// has its own limit.
    async fn silence(&self, sender: &Sender) {
        loop {
            let since = match sender.state() {
                WaitingFor::Sender => Instant::now(),
                WaitingFor::Receiver(since) if since.elapsed() >= self.time => return,
                WaitingFor::Receiver(since) => since,
            };
            tokio::time::sleep_until(since + self.time).await;
        }
    }
}

/// Removes the fields that the client must not set, and adds those that the upstream may rely on.
fn add_headers(headers: &mut HeaderMap, verdict: Option<&Verdict>, realm: Realm, client: &Client) {
    let host = headers.get(HOST).cloned();
    let from_proxy = |name| headers.get(name).filter(|_| client.trusted_proxy).cloned();
    let (proxy_host, proxy_scheme) = (from_proxy(FORWARDED_HOST), from_proxy(FORWARDED_PROTO));
    removed_fields::remove_from_request(headers);
    let scheme = proxy_scheme.unwrap_or(HeaderValue::from_static(if client.secure { "https" } else { "http" }));
    headers.insert(FORWARDED_PROTO, scheme);
    if let Some(host) = proxy_host.or(host) {
        headers.insert(FORWARDED_HOST, host);
    }
    let address = client.address.map(|address| address.to_string());
    if let Some(address) = address.and_then(|address| HeaderValue::try_from(address).ok()) {
        headers.insert(FORWARDED_FOR, address);
    }
    if let Ok(id) = HeaderValue::from_str(client.request_id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    if let Some(verdict) = verdict {
        identity_headers::add(headers, verdict, realm);
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("host", &self.authority.host())
            .finish_non_exhaustive()
    }
}

/// Makes `Content-Length` state the body that is sent: hyper frames the request by the field, if there is one.
fn set_length(headers: &mut HeaderMap, body: &Body) {
    let stated = headers.remove(CONTENT_LENGTH).is_some();
    let length = body.size_hint().exact();
    if let Some(length) = length.filter(|length| stated || *length > 0) {
        headers.insert(CONTENT_LENGTH, length.into());
    }
}

fn upgrades(headers: &HeaderMap) -> bool {
    headers.get_all(UPGRADE).iter().any(|value| {
        let value = value.as_bytes().to_ascii_lowercase();
        value.windows(9).any(|part| part == b"websocket")
    })
}

/// Logs why the API gave no answer.
fn failed(error: &(dyn std::error::Error + 'static)) -> Problem {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    tracing::error!(
        code = UNREACHABLE.code,
        "the API behind this service gave no answer: {}",
        causes.join(": ")
    );
    UNREACHABLE
}

/// Passes an answer of the API on, without the fields that clients must not get.
fn filter_answer(mut parts: response::Parts, body: Body) -> Response {
    removed_fields::remove_from_answer(&mut parts.headers);
    // The version and the extensions are those of the client's connection.
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
}
