//! An edge: the same ports without a database. It decides by a signed snapshot that an origin publishes.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokenlatch_core::{Call, Catalogue, Preflights, Shape, Verdict};
use tokio::sync::oneshot;

use crate::api::api2;
use crate::api::forward_auth;
use crate::api::health;
use crate::api::uapi;
use crate::api::whm;
use crate::auth::admitted::Admitted;
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::auth::clock::MonotonicClock;
use crate::auth::credential_fields::CredentialFields;
use crate::auth::failed_attempts::Failures;
use crate::config::Config;
use crate::error::ServerError;
use crate::form::Form;
use crate::guard::catalogue_file::CatalogueFile;
use crate::guard::upstream::Upstream;
use crate::middleware::client::Client;
use crate::middleware::metrics::{self, GUARD};
use crate::net::listener::{self, Listener, ListenerContext};
use crate::net::tls;
use crate::problem::Problem;
use crate::reload::{Changing, HangUp, Reload};
use crate::routes;
use tokenlatch::Module;
use tokenlatch::Presented;
use tokenlatch::Result;
use tokenlatch::offload;
use tokenlatch::{Follower, Source};

/// State shared by the handlers of an edge. Clones share it.
#[derive(Clone, Debug)]
pub struct EdgeState {
    /// Follows the origin and verifies requests.
    pub follower: Follower,
    /// Counts failed attempts.
    pub failures: Failures,
    catalogue: CatalogueFile,
    upstream: Option<Upstream>,
    preflights: Arc<Preflights>,
    credential_fields: Arc<CredentialFields>,
    config: Arc<Config>,
}

#[async_trait]
impl Changing for EdgeState {
    fn catalogue(&self) -> &CatalogueFile {
        &self.catalogue
    }

    fn module(&self) -> &Module {
        self.follower.module()
    }

    async fn set_catalogue(&self, catalogue: Option<Catalogue>) -> Result<()> {
        let follower = self.follower.clone();
        offload::run(move || follower.set_catalogue(catalogue)).await?
    }

    async fn prune_expired(&self) {
        self.failures.prune_expired();
    }
}

impl Backend for EdgeState {
    const MANAGES: bool = false;

    async fn verify(&self, presented: Presented<'_>, call: &Call, client: &Client) -> Result<Arc<Verdict>> {
        self.follower.verify(presented, call, client.address)
    }

    async fn verify_again(&self, presented: Presented<'_>, call: &Call, client: &Client) -> Result<Arc<Verdict>> {
        self.follower.verify_again(presented, call, client.address)
    }

    /// Refuses the function: an edge is read-only.
    async fn manage(&self, _: &Admitted, _: Shape, _: &str, _: Form) -> Response {
        calls::NO_FUNCTION.into_response()
    }

    fn figures(&self) -> String {
        metrics::render_edge(&self.follower.status(), self.failures.blocked_addresses())
    }

    fn failures(&self) -> &Failures {
        &self.failures
    }

    fn module(&self) -> &Module {
        self.follower.module()
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn credential_fields(&self) -> &CredentialFields {
        &self.credential_fields
    }

    fn upstream(&self) -> Option<&Upstream> {
        self.upstream.as_ref()
    }

    fn preflights(&self) -> &Preflights {
        &self.preflights
    }
}

/// An edge whose ports are bound. It refuses every request until the first snapshot has arrived.
#[derive(Debug)]
pub struct EdgeServer {
    account: Listener,
    admin: Option<Listener>,
    metrics: Option<Listener>,
    guard: Option<Listener>,
    state: EdgeState,
    certificates: Option<tls::Certificates>,
    source: Arc<dyn Source>,
    hang_up: HangUp,
}

impl EdgeServer {
    /// Binds the ports. Connections wait until [`EdgeServer::run_until`].
    ///
    /// # Errors
    /// Any [`ServerError`].
    pub async fn bind(
        config: Config,
        follower: Follower,
        source: Arc<dyn Source>,
    ) -> std::result::Result<EdgeServer, ServerError> {
        config.check()?;
        metrics::begin();
        let hang_up = HangUp::new();
        let config = Arc::new(config);
        let certificates = tls::Certificates::open(&config)?;
        let upstream = config.upstream.as_ref();
        let upstream = upstream.map(|upstream| Upstream::new(upstream, &config)).transpose()?;
        let state = EdgeState {
            follower,
            failures: Failures::new(config.failures, MonotonicClock::system()),
            catalogue: CatalogueFile::new(config.catalogue.as_deref()),
            upstream,
            preflights: Arc::new(config.preflights()?),
            credential_fields: Arc::new(config.credential_fields()?),
            config: Arc::clone(&config),
        };
        let shared = Arc::new(state.clone());
        let port_with = |config: &Arc<Config>, name, router| {
            ListenerContext::new(
                name,
                router,
                config,
                shared.follower.module(),
                None,
                certificates.clone(),
            )
        };
        let port = |name, router| port_with(&config, name, router);
        let account = Listener::bind(config.listen, port("account", account_router(&shared))).await?;
        let admin = Listener::bind_any(config.admin_listen, || port("admin", admin_router(&shared))).await?;
        let metrics = Listener::bind_any(config.metrics_listen, || {
            port("metrics", routes::metrics_router(Arc::clone(&shared)))
        })
        .await?;
        let guard = Listener::bind_any(config.guard_listen, || {
            port_with(
                &Arc::new(config.of_guard()),
                GUARD,
                routes::guard_router(Arc::clone(&shared)),
            )
        })
        .await?;
        Ok(EdgeServer {
            account,
            admin,
            metrics,
            guard,
            state,
            certificates,
            source,
            hang_up,
        })
    }

    /// The addresses of the account port and of the administrator's port.
    #[must_use]
    pub fn addresses(&self) -> (SocketAddr, Option<SocketAddr>) {
        (self.account.address(), self.admin.as_ref().map(Listener::address))
    }

    /// The address of the listener for metrics.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Listener::address)
    }

    /// The address of the listener for routes.
    #[must_use]
    pub fn guard_address(&self) -> Option<SocketAddr> {
        self.guard.as_ref().map(Listener::address)
    }

    /// State shared by the handlers.
    #[must_use]
    pub fn state(&self) -> &EdgeState {
        &self.state
    }

    /// A handle that reloads on demand what SIGHUP reloads.
    #[must_use]
    pub fn reload(&self) -> Reload {
        Reload::new(Arc::new(self.state.clone()), self.certificates.clone())
    }

    /// Follows the origin and serves until `stop` completes, then finishes the requests in progress. They are dropped once `now`
    /// completes too.
    pub async fn run_until(self, stop: impl Future, now: impl Future) {
        let keeper = self.reload().spawn(self.hang_up);
        let (end, ended) = oneshot::channel::<()>();
        let (follower, source) = (self.state.follower.clone(), self.source);
        let following = tokio::spawn(async move { follower.run(source, ended).await });
        let listeners = [Some(self.account), self.admin, self.metrics, self.guard]
            .into_iter()
            .flatten()
            .collect();
        listener::serve(listeners, self.state.config.limits.stop_time, stop, now).await;
        keeper.abort();
        // If the task panicked, nobody receives this.
        let _ = end.send(());
        let _ = following.await;
    }
}

fn account_router(state: &Arc<EdgeState>) -> Router {
    common(forward_auth::account::<EdgeState>)
        .route("/execute/{module}/{function}", any(uapi::handle::<EdgeState>))
        .route("/json-api/cpanel", any(api2::account::<EdgeState>))
        .with_state(Arc::clone(state))
}

fn admin_router(state: &Arc<EdgeState>) -> Router {
    let router = common(forward_auth::admin::<EdgeState>)
        .route("/json-api/cpanel", any(api2::admin::<EdgeState>))
        .route("/json-api/{function}", any(whm::handle::<EdgeState>));
    routes::with_metrics(router, &state.config).with_state(Arc::clone(state))
}

fn common<H, T>(verify: H) -> Router<Arc<EdgeState>>
where
    H: axum::handler::Handler<T, Arc<EdgeState>>,
    T: 'static,
{
    Router::new()
        .route("/auth", any(verify))
        .route("/health", get(health::health))
        .route("/ready", get(ready))
        .fallback(|| async { Problem::NOT_FOUND })
        .method_not_allowed_fallback(|| async { Problem::METHOD.allowing("GET, HEAD") })
}

/// `/ready`: whether a request can be admitted now, and the reason if not.
async fn ready(Shared(state): Shared<Arc<EdgeState>>) -> Response {
    let fields = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let reason = match state.follower.unready() {
        Ok(None) => return (fields, r#"{"status":"ready"}"#).into_response(),
        // A table that does not fit here will not fit later either.
        Ok(Some(reason)) => match state.follower.status().failing {
            Some(full @ ("snapshot_too_large" | "module_full")) => full,
            _ => reason,
        },
        Err(error) => error.code(),
    };
    // A reason is one of the service's codes, which need no JSON escapes.
    let body = format!(r#"{{"status":"unavailable","reason":"{reason}"}}"#);
    (StatusCode::SERVICE_UNAVAILABLE, fields, body).into_response()
}
