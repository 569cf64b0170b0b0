//! State shared by the handlers.

use std::sync::Arc;

use async_trait::async_trait;
use axum::response::Response;
use tokenlatch_core::{Call, Catalogue, Preflights, Shape, Verdict};
use tokio::sync::Mutex;

use crate::api::token_functions::TokenCall;
use crate::auth::admitted::Admitted;
use crate::auth::backend::Backend;
use crate::auth::clock::MonotonicClock;
use crate::auth::credential_fields::CredentialFields;
use crate::auth::failed_attempts::Failures;
use crate::auth::login_limits::Logins;
use crate::config::Config;
use crate::error::ServerError;
use crate::form::Form;
use crate::guard::catalogue_file::CatalogueFile;
use crate::guard::upstream::Upstream;
use crate::middleware::client::Client;
use crate::middleware::metrics::{self, ServerFigures};
use crate::net::tls::Certificates;
use crate::reload::Changing;
use crate::web::hosts::Hosts;
use tokenlatch::Error;
use tokenlatch::Module;
use tokenlatch::Presented;
use tokenlatch::Publisher;
use tokenlatch::Result;
use tokenlatch::Service;
use tokenlatch::Verifier;
use tokenlatch::VerifierOptions;

/// State shared by the handlers. Clones share it.
#[derive(Clone, Debug)]
pub struct State {
    /// Accounts and tokens.
    pub service: Service,
    /// Verifies requests.
    pub verifier: Verifier,
    /// Counts failed attempts.
    pub failures: Failures,
    /// Counts logins at the web interface.
    pub logins: Logins,
    /// The host names at which browsers may reach the web interface.
    pub(crate) hosts: Hosts,
    /// The guarded functions.
    pub catalogue: CatalogueFile,
    /// Where guarded requests are forwarded.
    pub upstream: Option<Upstream>,
    /// Paths on which CORS preflights pass.
    pub(crate) preflights: Arc<Preflights>,
    /// The fields in which a token may stand.
    pub(crate) credential_fields: Arc<CredentialFields>,
    /// Publishes snapshots for edges.
    pub publisher: Option<Publisher>,
    /// How often the database had gone back when the current epoch began. `None` before the first epoch.
    pub(crate) begun: Arc<Mutex<Option<u64>>>,
    /// The configuration.
    pub config: Arc<Config>,
}

#[async_trait]
impl Changing for State {
    fn catalogue(&self) -> &CatalogueFile {
        &self.catalogue
    }

    fn module(&self) -> &Module {
        self.service.module()
    }

    async fn set_catalogue(&self, catalogue: Option<Catalogue>) -> Result<(), Error> {
        self.verifier.set_catalogue(catalogue).await
    }

    async fn prune_expired(&self) {
        self.failures.prune_expired();
        self.logins.prune_expired();
        // Expired sessions and forms of the web interface.
        let Ok(now) = self.service.clock().now() else {
            return;
        };
        if let Err(error) = self.service.store().prune_sessions(now).await {
            tracing::warn!(code = error.code(), "expired sessions were not removed");
        }
    }

    async fn prune(&self) {
        match self.service.prune(self.config.keep_revoked).await {
            Ok(0) => {}
            Ok(tokens) => tracing::info!(tokens, "removed tokens that were revoked long ago"),
            Err(error) => tracing::warn!(
                code = error.code(),
                "tokens that were revoked long ago were not removed"
            ),
        }
    }
}

impl State {
    /// The publisher, ready to publish; `None` if snapshots are not published.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) async fn publisher(&self) -> Result<Option<&Publisher>, Error> {
        if self.publisher.is_some() {
            let store = self.service.store();
            let went_back = self.verifier.went_back();
            let times = went_back.map_or(0, |went_back| went_back.times);
            let mut begun = self.begun.lock().await;
            if *begun != Some(times) {
                match went_back {
                    // The database may have been replaced by a copy while no server ran.
                    _ if !store.is_shared() => self.service.begin_epoch().await?,
                    // Every server notices that the database went back, but only one begins the epoch: each epoch makes all edges
                    // load everything.
                    Some(went_back) => drop(store.begin_epoch(went_back.epoch).await?),
                    // A start is not a reason if several servers share the database. An operator who replaces it by a copy runs
                    // `tokenlatch snapshot renew`.
                    None => {}
                }
                *begun = Some(times);
            }
        }
        Ok(self.publisher.as_ref())
    }

    /// Prepares everything that a request needs.
    pub(crate) async fn open(
        config: Arc<Config>,
        service: Service,
        certificates: Option<Certificates>,
    ) -> Result<State, ServerError> {
        let catalogue = CatalogueFile::new(config.catalogue.as_deref());
        let known = catalogue.read(service.module())?;
        let verifier = Verifier::open_with(
            service.clone(),
            VerifierOptions {
                catalogue: known,
                credentials: config.credentials.clone(),
            },
        )
        .await?;
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
            verifier,
            failures: Failures::new(config.failures, MonotonicClock::system()),
            logins: Logins::new(config.logins, MonotonicClock::system()),
            hosts: Hosts::new(&config, certificates),
            catalogue,
            upstream,
            preflights: Arc::new(config.preflights()?),
            credential_fields: Arc::new(config.credential_fields()?),
            config,
        })
    }
}

impl Backend for State {
    const MANAGES: bool = true;

    async fn verify(&self, presented: Presented<'_>, call: &Call, client: &Client) -> Result<Arc<Verdict>> {
        self.verifier.verify(presented, call, client.address).await
    }

    async fn verify_again(&self, presented: Presented<'_>, call: &Call, client: &Client) -> Result<Arc<Verdict>> {
        self.verifier.verify_again(presented, call, client.address).await
    }

    async fn manage(&self, admitted: &Admitted, shape: Shape, function: &str, form: Form) -> Response {
        let job = TokenCall {
            backend: self,
            service: &self.service,
            admitted,
            shape,
            function,
        };
        job.run(form).await
    }

    fn figures(&self) -> String {
        metrics::render(&ServerFigures {
            records: self.verifier.records(),
            missed_usage: self.verifier.missed_usage(),
            went_back: self.verifier.went_back().map_or(0, |went_back| went_back.times),
            blocked: self.failures.blocked_addresses(),
        })
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
