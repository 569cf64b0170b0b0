//! What the handlers share.

use std::sync::Arc;

use async_trait::async_trait;
use axum::response::Response;
use tokenlatch_core::{Call, Function, Shape, Verdict};
use tokio::sync::Mutex;

use crate::api::form::Form;
use crate::api::token_functions::Job;
use crate::auth::authenticate::Admitted;
use crate::auth::backend::Backend;
use crate::auth::failures::{Failures, Ticks};
use crate::auth::logins::Logins;
use crate::config::Config;
use crate::error::ServerError;
use crate::guard::catalogue_file::Catalogue;
use crate::guard::upstream::Upstream;
use crate::middleware::client::Client;
use crate::middleware::metrics;
use crate::net::tls::Certificates;
use crate::reload::Changing;
use crate::web::{self, Hosts};
use tokenlatch::Error;
use tokenlatch::Gate;
use tokenlatch::Module;
use tokenlatch::Presented;
use tokenlatch::Publisher;
use tokenlatch::Result;
use tokenlatch::Service;

/// What the handlers share. Clones share everything.
#[derive(Clone, Debug)]
pub struct State {
    /// Accounts and tokens.
    pub service: Service,
    /// Verifies requests.
    pub gate: Gate,
    /// Counts failed attempts.
    pub failures: Failures,
    /// Counts logins at the page.
    pub logins: Logins,
    /// The names by which browsers may reach the page.
    pub(crate) hosts: Hosts,
    /// The functions that are guarded.
    pub catalogue: Catalogue,
    /// Where guarded requests go.
    pub upstream: Option<Upstream>,
    /// Publishes snapshots for edges.
    pub publisher: Option<Publisher>,
    /// How often the database had gone back when an epoch was begun for its edges; `None` before the first one.
    pub(crate) begun: Arc<Mutex<Option<u64>>>,
    /// What the server was told.
    pub config: Arc<Config>,
}

#[async_trait]
impl Changing for State {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn module(&self) -> &Module {
        self.service.module()
    }

    async fn set_catalogue(&self, functions: Option<Vec<Function>>) -> Result<(), Error> {
        self.gate.set_catalogue(functions).await
    }

    async fn tidy(&self) {
        self.failures.tidy();
        self.logins.tidy();
        web::tidy(self).await;
    }

    async fn prune(&self) {
        match self.service.prune(self.config.keep_revoked).await {
            Ok(0) => {}
            Ok(tokens) => tracing::info!(tokens, "removed tokens that were revoked long ago"),
            Err(error) => tracing::warn!(code = error.code(), "tokens that were revoked long ago stay for now"),
        }
    }
}

impl State {
    /// What publishes, if anything does; ready to.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) async fn publisher(&self) -> Result<Option<&Publisher>, Error> {
        if self.publisher.is_some() {
            let store = self.service.store();
            let went_back = self.gate.went_back();
            let times = went_back.map_or(0, |went_back| went_back.times);
            let mut begun = self.begun.lock().await;
            if *begun != Some(times) {
                match went_back {
                    // While nobody served it a copy may have been put in its place.
                    _ if !store.is_shared() => self.service.begin_epoch().await?,
                    // Every server sees that it went back, and one of them begins the epoch: each epoch makes all edges load
                    // everything.
                    Some(went_back) => drop(store.begin_epoch(went_back.epoch).await?),
                    // Where several servers share it a start is no reason: whoever put a copy in its place says `tokenlatch
                    // snapshot renew`.
                    None => {}
                }
                *begun = Some(times);
            }
        }
        Ok(self.publisher.as_ref())
    }

    /// Makes everything ready that a request needs.
    pub(crate) async fn open(
        config: Arc<Config>,
        service: Service,
        certificates: Option<Certificates>,
    ) -> Result<State, ServerError> {
        let catalogue = Catalogue::new(config.catalogue.as_deref());
        let functions = catalogue.functions(service.module())?;
        let gate = Gate::open(service.clone(), functions).await?;
        let upstream = config
            .upstream
            .as_ref()
            .map(|upstream| Upstream::new(upstream, &config))
            .transpose()?;
        let publisher = config
            .snapshots
            .as_ref()
            .map(|told| Publisher::new(service.clone(), Arc::clone(&told.key), told.options));
        Ok(State {
            publisher,
            begun: Arc::default(),
            service,
            gate,
            failures: Failures::new(config.failures, Ticks::system()),
            logins: Logins::new(config.logins, Ticks::system()),
            hosts: Hosts::new(&config, certificates),
            catalogue,
            upstream,
            config,
        })
    }
}

impl Backend for State {
    const MANAGES: bool = true;

    async fn verify(&self, authorization: Presented<'_>, call: &Call, client: &Client) -> Result<Arc<Verdict>> {
        self.gate.verify(authorization, call, client.address).await
    }

    async fn manage(&self, admitted: &Admitted, shape: Shape, function: &str, form: Form) -> Response {
        let job = Job {
            state: self,
            admitted,
            shape,
            function,
        };
        job.run(form).await
    }

    fn figures(&self) -> String {
        metrics::render(self)
    }

    fn failures(&self) -> &Failures {
        &self.failures
    }

    fn module(&self) -> &Module {
        self.service.module()
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn upstream(&self) -> Option<&Upstream> {
        self.upstream.as_ref()
    }
}
