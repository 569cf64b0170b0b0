//! The API behind the guard. Admitted requests are forwarded to it with the identity in header fields.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    SET_COOKIE, TE, TRAILER, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum_reverse_proxy::{HostBehaviour, ProxyError, ProxyPolicy, ReverseProxy, XForwardedFor};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokenlatch_core::{Danger, Realm, Verdict, danger, is_plain_field};
use tokio::time::Instant;

use crate::body::{Sender, Sending, Timely, Watched};
use crate::config::Config;
use crate::error::ServerError;
use crate::guard::identity_headers;
use crate::middleware::client::{Client, FORWARDED_FOR, FORWARDED_PROTO};
use crate::problem::Problem;
use crate::web_paths::is_session;

/// Time limit for the upstream to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The API that admitted requests are forwarded to. Clones share its connections.
#[derive(Clone)]
pub struct Upstream {
    proxy: ReverseProxy<HttpConnector>,
    longest: u64,
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
        let wrong = |reason: &str| Err(ServerError::Upstream(reason.to_owned()));
        match target.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return wrong(
                    "it is spoken to over plain HTTP; give an `http://` address of this machine or a private network",
                );
            }
            _ => return wrong("give an address such as `http://127.0.0.1:8080`"),
        }
        if target.host().is_none_or(str::is_empty) || target.query().is_some() {
            return wrong("give an address such as `http://127.0.0.1:8080`, without a query");
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let client = HttpClient::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(64)
            .build(connector);
        let policy = ProxyPolicy::new()
            .with_host_behaviour(HostBehaviour::Replace)
            .with_x_forwarded_for(XForwardedFor::Preserve)
            .with_max_request_body_bytes(config.limits.upstream_body_bytes as u64);
        // The proxy accepts any URL with a scheme and a host.
        let proxy = ReverseProxy::new_with_client("/", target.to_string(), client).with_policy(policy);
        Ok(Upstream {
            proxy,
            longest: config.limits.upstream_body_bytes as u64,
            time: config.limits.upstream_time,
            stall: config.limits.upstream_stall,
        })
    }

    /// Forwards a request and returns the API's answer.
    pub(crate) async fn forward(
        &self,
        mut request: Request,
        verdict: &Verdict,
        realm: Realm,
        client: &Client,
    ) -> Response {
        if upgrades(request.headers()) {
            return UPGRADE_REFUSED.into_response();
        }
        if declared_length(request.headers()).is_some_and(|length| length > self.longest) {
            return Problem::BODY_TOO_LARGE.into_response();
        }
        add_headers(request.headers_mut(), verdict, realm, client);
        let (parts, body) = request.into_parts();
        let (body, sender) = Watched::over(body);
        let forwarding = self.proxy.proxy_request(Request::from_parts(parts, body));
        let response = tokio::select! {
            Ok(response) = forwarding => response,
            () = self.silence(&sender) => return SLOW.into_response(),
        };
        if response.extensions().get::<ProxyError>().is_some()
            && let Some(fault) = sender.fault()
        {
            return fault.into_response();
        }
        answer(response).map(|body| Timely::over(body, self.stall))
    }

    /// Completes once the API has been idle for too long. The time in which the client must send more does not count, since it
    /// has its own limit.
    async fn silence(&self, sender: &Sender) {
        loop {
            let since = match sender.state() {
                Sending::Sender => Instant::now(),
                Sending::Receiver(since) if since.elapsed() >= self.time => return,
                Sending::Receiver(since) => since,
            };
            tokio::time::sleep_until(since + self.time).await;
        }
    }
}

/// Removes the fields that the client must not set, and adds those that the upstream may rely on.
fn add_headers(headers: &mut HeaderMap, verdict: &Verdict, realm: Realm, client: &Client) {
    let host = headers.get(HOST).cloned();
    let told = |name| headers.get(name).filter(|_| client.trusted_proxy).cloned();
    let (told_host, told_scheme) = (told(FORWARDED_HOST), told(FORWARDED_PROTO));
    strip(headers);
    let scheme = told_scheme.unwrap_or(HeaderValue::from_static(if client.secure { "https" } else { "http" }));
    headers.insert(FORWARDED_PROTO, scheme);
    if let Some(host) = told_host.or(host) {
        headers.insert(FORWARDED_HOST, host);
    }
    let address = client.address.map(|address| address.to_string());
    if let Some(address) = address.and_then(|address| HeaderValue::try_from(address).ok()) {
        headers.insert(FORWARDED_FOR, address);
    }
    if let Ok(id) = HeaderValue::from_str(client.request_id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    identity_headers::add(headers, verdict, realm);
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("target", &self.proxy.target())
            .finish_non_exhaustive()
    }
}

/// Removes the token, every field that states an identity or an origin, and every hop-by-hop field.
///
/// The fields that `Connection` names are removed first, so that a client cannot have the identity fields removed.
fn strip(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .filter(|name| name != CONTENT_LENGTH && name != HOST)
        .collect();
    let doubtful = headers.keys().filter(|name| {
        let name = name.as_str().as_bytes();
        danger(name).is_some() || !is_plain_field(name)
    });
    let fixed = [
        AUTHORIZATION,
        PROXY_AUTHORIZATION,
        CONNECTION,
        UPGRADE,
        EXPECT,
        TRAILER,
        TE,
    ];
    let removed: Vec<HeaderName> = doubtful.cloned().chain(nominated).chain(fixed).collect();
    for name in removed {
        headers.remove(name);
    }
    let cookies: Vec<HeaderValue> = headers.get_all(COOKIE).iter().filter_map(without_session).collect();
    headers.remove(COOKIE);
    for cookie in cookies {
        headers.append(COOKIE, cookie);
    }
}

/// A `Cookie` line without the web interface's session; `None` if no other cookie is left.
fn without_session(line: &HeaderValue) -> Option<HeaderValue> {
    let others = line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let others: Vec<&[u8]> = others.filter(|cookie| !names_session(cookie)).collect();
    let line = HeaderValue::from_bytes(&others.join(&b"; "[..])).ok()?;
    Some(line).filter(|line| !line.is_empty())
}

/// Whether `NAME=VALUE` is the web interface's session cookie.
fn names_session(cookie: &[u8]) -> bool {
    let name = cookie.split(|byte| *byte == b'=').next().unwrap_or_default();
    is_session(name.trim_ascii())
}

fn upgrades(headers: &HeaderMap) -> bool {
    headers.get_all(UPGRADE).iter().any(|value| {
        let value = value.as_bytes().to_ascii_lowercase();
        value.windows(9).any(|part| part == b"websocket")
    })
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Converts a failure of the proxy into a [`Problem`]. An answer of the upstream passes, without identity and session fields.
fn answer(mut response: Response<Body>) -> Response {
    if let Some(error) = response.extensions().get::<ProxyError>() {
        let problem = match response.status() {
            _ if error.message().contains("length limit exceeded") => Problem::BODY_TOO_LARGE,
            _ => UNREACHABLE,
        };
        return problem.into_response();
    }
    let foreign: Vec<HeaderName> = response
        .headers()
        .keys()
        .filter(|name| danger(name.as_str().as_bytes()) == Some(Danger::Tokenlatch))
        .cloned()
        .collect();
    for name in foreign {
        response.headers_mut().remove(name);
    }
    let headers = response.headers_mut();
    headers.remove(PROXY_AUTHENTICATE);
    let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies.into_iter().filter(|cookie| !names_session(cookie.as_bytes())) {
        headers.append(SET_COOKIE, cookie);
    }
    response
}
