//! The steps around every handler: the request's number and id, the checks before routing, one log line, metrics, and the header
//! fields of every reply.

use std::any::Any;
use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper::upgrade::OnUpgrade;
use tower::ServiceExt;
use tower_http::catch_panic::{CatchPanic, ResponseForPanic};

use crate::body::QuietBody;
use crate::config::{Config, Refusals};
use crate::connections::Seat;
use crate::guard::upgrade::TunnelSeat;
use crate::http1::request_check;
use crate::http1::unread_body::Unread;
use crate::http1::wire::WireState;
use crate::middleware::client::{self, Client, REQUEST_ID};
use crate::middleware::log_fields::{Forwarded, PageLogFields, VerdictLogFields};
use crate::middleware::metrics;
use crate::middleware::problem_envelope;
use crate::problem::Problem;
use crate::web_names;
use tokenlatch::Module;
use tokenlatch::Publisher;

type Guarded = CatchPanic<Router, Broken>;

/// State shared by the requests of a port.
pub(crate) struct Handling {
    /// The port's name in log and metrics.
    pub(crate) name: &'static str,
    pub(crate) config: Arc<Config>,
    router: Guarded,
    /// Formats refusals of the API.
    module: Module,
    /// Is notified of possible changes.
    publisher: Option<Publisher>,
}

impl Handling {
    pub(crate) fn new(
        name: &'static str,
        config: Arc<Config>,
        router: Router,
        module: Module,
        publisher: Option<Publisher>,
    ) -> Handling {
        Handling {
            module,
            publisher,
            name,
            config,
            router: CatchPanic::custom(router, Broken),
        }
    }
}

impl Handling {
    /// Notifies the publisher after a request that may have changed something, so that waiting edges learn of it before the reply
    /// is sent.
    fn nudge(&self, path: &str) {
        if let Some(publisher) = &self.publisher
            && matches!(metrics::class(self.name, path), "tokens" | "api2" | "whm" | "page")
        {
            publisher.nudge();
        }
    }
}

/// Answers for a handler that panicked. The panic message may contain a secret, so it is dropped.
#[derive(Clone)]
struct Broken;

impl ResponseForPanic for Broken {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, _: Box<dyn Any + Send>) -> Response<Body> {
        tracing::error!("handler panicked");
        Problem::INTERNAL.into_response()
    }
}

/// Answers the requests of one connection.
pub(crate) struct Handler {
    handling: Arc<Handling>,
    wired: Arc<WireState>,
    peer: SocketAddr,
    secure: bool,
    requests: AtomicU64,
    seat: Arc<Seat>,
    /// What follows HTTP on the connection.
    tunnel: TunnelSeat,
}

impl Handler {
    pub(crate) fn new(
        handling: Arc<Handling>,
        wired: Arc<WireState>,
        peer: SocketAddr,
        secure: bool,
        seat: Arc<Seat>,
        tunnel: TunnelSeat,
    ) -> Handler {
        Handler {
            seat,
            tunnel,
            handling,
            wired,
            peer,
            secure,
            requests: AtomicU64::new(0),
        }
    }
}

impl Service<Request<Incoming>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let refused = self.wired.refusal(number).map(|fault| fault.problem());
        let handling = self.handling.clone();
        let (peer, secure) = (self.peer, self.secure);
        let (wired, seat) = (self.wired.clone(), self.seat.clone());
        if request.extensions().get::<OnUpgrade>().is_some() {
            request.extensions_mut().insert(self.tunnel.clone());
        }
        Box::pin(async move {
            let response = answer(&handling, peer, secure, request, refused).await;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                wired.upgrade();
            }
            Ok(response.map(|body| QuietBody::over(body, &seat)))
        })
    }
}

async fn answer(
    handling: &Handling,
    peer: SocketAddr,
    secure: bool,
    request: Request<Incoming>,
    refused: Option<Problem>,
) -> Response<Body> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let (body, unread) = Unread::of(body, &parts.headers);
    let mut request = Request::from_parts(parts, body);
    let mut client = Client::of(&handling.config, peer, secure, request.headers());
    if refused.is_some() {
        // The request is a stand-in, so it does not state the client's address.
        client.address = None;
    }
    let ends = client::ends_connection(request.headers());
    let checked = match refused {
        Some(problem) => Err(problem),
        None => request_check::check(&mut request),
    };
    let method = request.method().clone();
    let target = request.uri().clone();
    let mut response = match checked {
        Ok(()) => {
            client.forged = client::remove_ambiguous_fields(request.headers_mut());
            request.extensions_mut().insert(client);
            let response = route(handling, request).await;
            handling.nudge(target.path());
            response
        }
        Err(problem) => {
            // The request holds the body.
            drop(request);
            metrics::refused(problem.code);
            let mut response = problem.into_response();
            response.extensions_mut().insert(VerdictLogFields {
                reason: problem.code,
                user: None,
                token_id: None,
            });
            response
        }
    };
    let problems = handling.config.refusals == Refusals::Problem;
    response = if problems && problem_envelope::is_of_guarded_api(handling.name, target.path()) {
        problem_envelope::put_problem(response)
    } else {
        problem_envelope::put(&handling.module, &target, response)
    };
    let ends = ends || !is_read(unread).await;
    add_headers(&mut response, &client, ends);
    let (method, path) = match refused {
        Some(_) => ("-", "-"),
        None => (method.as_str(), target.path()),
    };
    let seen = Seen {
        port: handling.name,
        method,
        path,
        admitted: checked.is_ok(),
        client: &client,
    };
    seen.report(&response, started.elapsed());
    response
}

/// Whether the whole request has been read from the connection.
async fn is_read(unread: Option<Unread>) -> bool {
    match unread {
        Some(unread) => unread.finish().await,
        None => true,
    }
}

async fn route(handling: &Handling, mut request: Request<Body>) -> Response<Body> {
    let forwarded = Forwarded::default();
    request.extensions_mut().insert(forwarded.clone());
    let mut call = pin!(handling.router.clone().oneshot(request));
    let outcome = match tokio::time::timeout(handling.config.limits.handler_time, call.as_mut()).await {
        Ok(outcome) => outcome,
        // A forwarded request has separate limits for the client and the upstream.
        Err(_) if forwarded.is_so() => call.await,
        Err(_) => return Problem::UNAVAILABLE.into_response(),
    };
    match outcome {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// Adds the header fields of every reply.
fn add_headers(response: &mut Response<Body>, client: &Client, ends: bool) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(client.request_id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if client.secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    if ends {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// What the log may contain of a request: never its query, header fields or body.
struct Seen<'a> {
    port: &'static str,
    method: &'a str,
    path: &'a str,
    admitted: bool,
    client: &'a Client,
}

impl Seen<'_> {
    fn report(&self, response: &Response<Body>, time: Duration) {
        let status = response.status();
        metrics::replied(self.port, metrics::class(self.port, self.path), status, time);
        let decided = response.extensions().get::<VerdictLogFields>();
        let noted = response.extensions().get::<PageLogFields>();
        if self.admitted
            && let Some(decided) = decided
        {
            metrics::verified(decided.reason);
        }
        let reason = decided.map(|decided| decided.reason);
        let user = decided.and_then(|decided| decided.user.as_deref());
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "tokenlatch::request",
            port = self.port,
            method = self.method,
            path = %public(self.path),
            status = status.as_u16(),
            reason = reason.or(noted.map(|noted| noted.reason)).unwrap_or("-"),
            user = user.or(noted.and_then(|noted| noted.user.as_deref())).unwrap_or("-"),
            token = decided.and_then(|decided| decided.token_id.as_deref()).unwrap_or("-"),
            client = %Address(self.client.address),
            peer = %self.client.peer,
            request_id = %self.client.request_id,
            micros,
        );
    }
}

/// A path without the session's number.
fn public(path: &str) -> Cow<'_, str> {
    match path.strip_prefix(web_names::PREFIX) {
        Some(rest) => format!(
            "{}…{}",
            web_names::PREFIX,
            rest.trim_start_matches(|digit: char| digit.is_ascii_digit())
        )
        .into(),
        None => path.into(),
    }
}

/// An address in the log.
struct Address(Option<IpAddr>);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("-"),
        }
    }
}
