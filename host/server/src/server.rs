//! The server: its listeners, and how it runs and stops.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokenlatch::Service;

use crate::config::Config;
use crate::error::ServerError;
use crate::middleware::metrics::{self, GUARD};
use crate::net::listener::{self, Listener, ListenerContext};
use crate::net::tls::Certificates;
use crate::reload::{HangUp, Reload};
use crate::routes;
use crate::state::State;
use crate::usage;

/// A server whose ports are bound and whose store, module and table are ready.
#[derive(Debug)]
pub struct Server {
    account: Listener,
    admin: Option<Listener>,
    snapshots: Option<Listener>,
    metrics: Option<Listener>,
    guard: Option<Listener>,
    state: State,
    certificates: Option<Certificates>,
    hang_up: HangUp,
}

impl Server {
    /// Prepares everything and binds the ports. Connections wait until [`Server::run`].
    ///
    /// # Errors
    /// Any [`ServerError`]. In that case nothing is served.
    pub async fn bind(config: Config, service: Service) -> Result<Server, ServerError> {
        Server::bind_with(config, service, |state| {
            (
                routes::account_router(state.clone()),
                routes::admin_router(state.clone()),
            )
        })
        .await
    }

    /// Like [`Server::bind`], with other routers for the account port and the administrator's port.
    ///
    /// # Errors
    /// Any [`ServerError`].
    pub async fn bind_with(
        config: Config,
        service: Service,
        routers: impl FnOnce(&State) -> (Router, Router),
    ) -> Result<Server, ServerError> {
        config.check()?;
        metrics::begin();
        // Installed first: a SIGHUP before this would end the process.
        let hang_up = HangUp::new();
        let config = Arc::new(config);
        let tls = Certificates::open(&config)?;
        let state = State::open(config.clone(), service, tls.clone()).await?;
        let (account, admin) = routers(&state);
        let module = state.service.module();
        let port_with = |config: &Arc<Config>, name, router| {
            ListenerContext::new(name, router, config, module, state.publisher.clone(), tls.clone())
        };
        let port = |name, router| port_with(&config, name, router);
        let account = Listener::bind(config.listen, port("account", account)).await?;
        let admin = Listener::bind_any(config.admin_listen, || port("admin", admin)).await?;
        let snapshots = Listener::bind_any(config.snapshot_listen, || {
            port("snapshot", routes::snapshot_router(state.clone()))
        })
        .await?;
        let metrics = Listener::bind_any(config.metrics_listen, || {
            port("metrics", routes::metrics_router(Arc::new(state.clone())))
        })
        .await?;
        let guard = Listener::bind_any(config.guard_listen, || {
            let router = routes::guard_router(Arc::new(state.clone()));
            port_with(&Arc::new(config.of_guard()), GUARD, router)
        })
        .await?;
        Ok(Server {
            account,
            admin,
            snapshots,
            metrics,
            guard,
            state,
            certificates: tls,
            hang_up,
        })
    }

    /// The addresses of the account port and of the administrator's port.
    #[must_use]
    pub fn addresses(&self) -> (SocketAddr, Option<SocketAddr>) {
        (self.account.address(), self.admin.as_ref().map(Listener::address))
    }

    /// The address of the listener for snapshots.
    #[must_use]
    pub fn snapshot_address(&self) -> Option<SocketAddr> {
        self.snapshots.as_ref().map(Listener::address)
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
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A handle that reloads the catalogue and the certificate on demand, as SIGHUP does.
    #[must_use]
    pub fn reload(&self) -> Reload {
        Reload::new(Arc::new(self.state.clone()), self.certificates.clone())
    }

    /// Serves until `stop` completes. Then it accepts no more connections, and finishes the requests in progress within the time
    /// limit of the configuration.
    pub async fn run(self, stop: impl Future) {
        self.run_until(stop, std::future::pending::<()>()).await;
    }

    /// Like [`Server::run`]. Requests in progress are dropped once `now` completes too.
    pub async fn run_until(self, stop: impl Future, now: impl Future) {
        let keeper = self.reload().spawn(self.hang_up);
        let usage = usage::UsageWriter::spawn(&self.state.verifier, self.state.config.usage_interval);
        let listeners = [Some(self.account), self.admin, self.snapshots, self.metrics, self.guard];
        let listeners = listeners.into_iter().flatten().collect();
        let publisher = self.state.publisher.clone();
        let stop = async move {
            stop.await;
            // Waiting edges are answered that there is no change, so that they do not delay the end.
            if let Some(publisher) = publisher {
                publisher.finish();
            }
        };
        listener::serve(listeners, self.state.config.limits.stop_time, stop, now).await;
        keeper.abort();
        if let Some(usage) = usage {
            usage.finish().await;
        }
    }
}
