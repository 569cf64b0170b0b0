//! Reloads files and runs periodic tasks, for a server and for an edge.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenlatch_core::Catalogue;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::error::ServerError;
use crate::guard::catalogue_file::CatalogueFile;
use crate::middleware::metrics;
use crate::net::tls::Certificates;
use tokenlatch::Module;
use tokenlatch::Result;

/// How often metrics and counters are pruned.
const PRUNE_EXPIRED: Duration = Duration::from_secs(10);
/// How often the self-signed certificate is checked for renewal.
const RENEW: Duration = Duration::from_secs(6 * 3600);
/// How often tokens that were revoked long ago are removed.
const PRUNE: Duration = Duration::from_secs(3600);

/// The parts of a server or an edge that change while it runs.
#[async_trait]
pub(crate) trait Changing: fmt::Debug + Send + Sync {
    /// The catalogue file.
    fn catalogue(&self) -> &CatalogueFile;

    /// The module that decides.
    fn module(&self) -> &Module;

    /// Replaces the functions to decide by. On an error the old ones stay in use.
    async fn set_catalogue(&self, catalogue: Option<Catalogue>) -> Result<()>;

    /// Removes expired entries.
    async fn prune_expired(&self);

    /// Removes tokens that were revoked long ago. An edge has none.
    async fn prune(&self) {}
}

/// Reloads the catalogue and the certificate of a server or an edge. On an error the old one stays in use.
#[derive(Clone, Debug)]
pub struct Reload {
    changing: Arc<dyn Changing>,
    certificates: Option<Certificates>,
}

impl Reload {
    pub(crate) fn new(changing: Arc<dyn Changing>, certificates: Option<Certificates>) -> Reload {
        Reload { changing, certificates }
    }

    /// Reloads everything.
    ///
    /// # Errors
    /// The first failure, after all reloads were tried. Each failure is logged.
    pub async fn run(&self) -> std::result::Result<(), ServerError> {
        let catalogue = match self.changing.catalogue().is_built_in() {
            true => None,
            false => Some(self.catalogue().await),
        };
        let certificate = self.certificates.as_ref().map(Certificates::reload);
        let mut first = Ok(());
        for (what, outcome) in [("catalogue", catalogue), ("certificate", certificate)] {
            let Some(outcome) = outcome else { continue };
            match &outcome {
                Ok(()) => tracing::info!("reloaded the {what}"),
                Err(failure) => {
                    tracing::error!(code = failure.code(), "reload failed, the old {what} stays: {failure}");
                }
            }
            first = first.and(outcome);
        }
        first
    }

    async fn catalogue(&self) -> std::result::Result<(), ServerError> {
        let catalogue = self.changing.catalogue().read(self.changing.module())?;
        Ok(self.changing.set_catalogue(catalogue).await?)
    }

    /// Reloads on SIGHUP, and runs the periodic tasks, until the task is aborted.
    pub(crate) fn spawn(self, mut hang_up: HangUp) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut expired = interval(PRUNE_EXPIRED);
            expired.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut renew = interval(RENEW);
            renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut prune = interval(PRUNE);
            prune.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // The first time there may be much to remove.
            let mut pruning = JoinSet::new();
            loop {
                tokio::select! {
                    () = hang_up.next() => {
                        // The failure was logged.
                        let _ = self.run().await;
                    }
                    _ = expired.tick() => {
                        self.changing.prune_expired().await;
                        metrics::run_upkeep();
                    }
                    _ = prune.tick() => {
                        while pruning.try_join_next().is_some() {}
                        if pruning.is_empty() {
                            let changing = Arc::clone(&self.changing);
                            pruning.spawn(async move { changing.prune().await });
                        }
                    }
                    _ = renew.tick() => {
                        if let Some(Err(error)) = self.certificates.as_ref().map(Certificates::renew) {
                            tracing::error!(code = error.code(), "the certificate was not renewed: {error}");
                        }
                    }
                }
            }
        })
    }
}

/// SIGHUP, on systems that have it.
#[derive(Debug)]
pub(crate) struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUp {
    #[cfg(unix)]
    pub(crate) fn new() -> HangUp {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::warn!("cannot handle SIGHUP: {error}"))
            .ok();
        HangUp { signal }
    }

    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        match &mut self.signal {
            Some(signal) => {
                if signal.recv().await.is_none() {
                    std::future::pending::<()>().await;
                }
            }
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> HangUp {
        HangUp {}
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        std::future::pending().await
    }
}
