//! The API behind the guard. Admitted requests are forwarded to it with the identity in header fields.

use std::path::Path;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, HOST, UPGRADE};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, response};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokenlatch_core::{Realm, Verdict};
use tokio::time::Instant;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::body::{MonitoredBody, Sender, TimedBody, WaitingFor};
use crate::config::Config;
use crate::error::ServerError;
use crate::form::check_takes_body;
use crate::guard::upgrade::{self, Upgrade};
use crate::guard::{identity_headers, removed_fields};
use crate::middleware::client::{Client, FORWARDED_FOR, FORWARDED_PROTO};
use crate::net::pem::{fault, provider, read_chain};
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
    client: HttpClient<HttpsConnector<HttpConnector>, Body>,
    scheme: Scheme,
    authority: Authority,
    /// What is put before each path: empty, or a path that does not end with a slash.
    base: String,
    /// The fields that may hold a token. They are not forwarded.
    credentials: Vec<HeaderName>,
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

const BODY_UNEXPECTED: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "body_unexpected",
    "A GET or HEAD request must not have a body.",
);

impl Upstream {
    /// Creates the client for an upstream URL.
    ///
    /// # Errors
    /// [`ServerError::Upstream`].
    pub fn new(target: &Uri, config: &Config) -> Result<Upstream, ServerError> {
        let wrong = |reason: &str| ServerError::Upstream(reason.to_owned());
        let scheme = match (target.scheme_str(), &config.upstream_ca) {
            (Some("http"), None) => Scheme::HTTP,
            (Some("http"), Some(_)) => return Err(wrong("the file of its CAs is for an `https://` address")),
            (Some("https"), _) => Scheme::HTTPS,
            _ => return Err(wrong("give an address such as `http://127.0.0.1:8080`")),
        };
        let authority = target
            .authority()
            .filter(|authority| !authority.host().is_empty() && target.query().is_none())
            .ok_or_else(|| wrong("give an address such as `http://127.0.0.1:8080`, without a query"))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(client_config(config.upstream_ca.as_deref())?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        // A request is sent again only if a connection was closed before any of it was sent. Functions that write are called by
        // GET too, so the method does not tell whether a request may be repeated.
        let client = HttpClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE)
            .build(connector);
        Ok(Upstream {
            client,
            scheme,
            authority: authority.clone(),
            base: target.path().trim_end_matches('/').to_owned(),
            credentials: config.credential_fields()?.secret().cloned().collect(),
            longest: config.limits.upstream_body_bytes,
            time: config.limits.upstream_time,
            stall: config.limits.upstream_stall,
        })
    }

    /// Forwards the call of a function with the identity of its verdict, and returns the API's answer.
    pub(crate) async fn forward(&self, request: Request, verdict: &Verdict, realm: Realm, client: &Client) -> Response {
        if upgrades(request.headers()) {
            return UPGRADE_REFUSED.into_response();
        }
        if !request.body().is_end_stream()
            && let Err(problem) = check_takes_body(request.method())
        {
            return problem.into_response();
        }
        self.answered(request, Some(verdict), realm, client).await
    }

    /// Forwards a request of any method, and returns the API's answer. Without a verdict it has no identity.
    pub(crate) async fn forward_route(&self, request: Request, verdict: Option<&Verdict>, client: &Client) -> Response {
        // Some servers ignore the body of a GET, and would take it for another request on the connection.
        if !request.body().is_end_stream() && matches!(*request.method(), Method::GET | Method::HEAD) {
            return BODY_UNEXPECTED.into_response();
        }
        self.answered(request, verdict, Realm::Account, client).await
    }

    /// Forwards a request that asks for another protocol. If the API agrees, the connection is its client's until a side ends
    /// it, or until `ended` completes.
    pub(crate) async fn forward_upgrade(
        &self,
        request: Request,
        verdict: Option<&Verdict>,
        client: &Client,
        upgrade: Upgrade,
        ended: impl Future<Output = ()> + Send + 'static,
    ) -> Response {
        let protocol = Some(&upgrade.protocol);
        let mut answer = match self.send(request, verdict, Realm::Account, client, protocol).await {
            Ok(answer) => answer,
            Err(problem) => return problem.into_response(),
        };
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return self.filtered(answer);
        }
        if !upgrade.is_met_by(answer.headers()) {
            return switched().into_response();
        }
        let upstream = hyper::upgrade::on(&mut answer);
        let mut response = filter_answer(answer.into_parts().0, Body::empty());
        upgrade::add_fields(response.headers_mut(), &upgrade.protocol);
        upgrade.connect(upstream, ended);
        response
    }

    async fn answered(&self, request: Request, verdict: Option<&Verdict>, realm: Realm, client: &Client) -> Response {
        match self.send(request, verdict, realm, client, None).await {
            Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => switched().into_response(),
            Ok(answer) => self.filtered(answer),
            Err(problem) => problem.into_response(),
        }
    }

    fn filtered(&self, answer: Response<Incoming>) -> Response {
        let (parts, body) = answer.into_parts();
        filter_answer(parts, TimedBody::over(Body::new(body), self.stall))
    }

    /// Sends a request, asking for a protocol if one is given.
    async fn send(
        &self,
        request: Request,
        verdict: Option<&Verdict>,
        realm: Realm,
        client: &Client,
        protocol: Option<&HeaderValue>,
    ) -> Result<Response<Incoming>, Problem> {
        let (mut parts, body) = request.into_parts();
        if body.size_hint().lower() > self.longest as u64 {
            return Err(Problem::BODY_TOO_LARGE);
        }
        self.add_headers(&mut parts.headers, verdict, realm, client);
        if let Some(protocol) = protocol {
            upgrade::add_fields(&mut parts.headers, protocol);
        }
        set_length(&mut parts.headers, &body);
        let (body, sender) = MonitoredBody::over(body, self.longest);
        // The version and the extensions are those of the guard's own connection.
        let mut forwarded = Request::new(body);
        *forwarded.uri_mut() = self.target(&parts.uri).map_err(|_| Problem::INTERNAL)?;
        *forwarded.method_mut() = parts.method;
        *forwarded.headers_mut() = parts.headers;
        tokio::select! {
            answered = self.client.request(forwarded) => {
                answered.map_err(|error| sender.fault().unwrap_or_else(|| failed(&error)))
            }
            () = self.silence(&sender) => Err(SLOW),
        }
    }

    /// The target at the API: its path and the request's, byte for byte.
    fn target(&self, requested: &Uri) -> Result<Uri, axum::http::Error> {
        let rest = requested.path_and_query().map_or("/", PathAndQuery::as_str);
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{rest}", self.base))
            .build()
    }

    /// Removes the fields that the client must not set, and adds those that the upstream may rely on.
    fn add_headers(&self, headers: &mut HeaderMap, verdict: Option<&Verdict>, realm: Realm, client: &Client) {
        let host = headers.get(HOST).cloned();
        let from_proxy = |name| headers.get(name).filter(|_| client.trusted_proxy).cloned();
        let (proxy_host, proxy_scheme) = (from_proxy(FORWARDED_HOST), from_proxy(FORWARDED_PROTO));
        removed_fields::remove_from_request(headers, &self.credentials);
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

/// Logs an answer that changes to a protocol that nobody asked for.
fn switched() -> Problem {
    tracing::error!(
        code = UNREACHABLE.code,
        "the upstream switched protocols without being asked"
    );
    UNREACHABLE
}

/// The TLS of connections to the API: by a file of CAs, or by the public ones. The certificate must be of the API's host.
fn client_config(authorities: Option<&Path>) -> Result<ClientConfig, ServerError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for certificate in read_chain(path)? {
                roots.add(certificate).map_err(|error| fault(path, error.to_string()))?;
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| ServerError::Upstream(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
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
