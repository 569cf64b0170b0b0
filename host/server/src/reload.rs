//! What is read again while a server or an edge runs, and what is tidied now and then: one list for both.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenlatch_core::Function;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::error::ServerError;
use crate::guard::catalogue_file::Catalogue;
use crate::middleware::metrics;
use crate::net::tls::Certificates;
use tokenlatch::Module;
use tokenlatch::Result;

/// How often figures and counts are tidied.
const TIDY: Duration = Duration::from_secs(10);
/// How often our own certificate is looked at.
const RENEW: Duration = Duration::from_secs(6 * 3600);
/// How often tokens are looked for that were revoked long ago.
const PRUNE: Duration = Duration::from_secs(3600);

/// What a server and an edge have to be changed while they run.
#[async_trait]
pub(crate) trait Changing: fmt::Debug + Send + Sync {
    /// The file of functions.
    fn catalogue(&self) -> &Catalogue;

    /// The module that decides.
    fn module(&self) -> &Module;

    /// Decides by these functions from now on; on an error by those that it had.
    async fn set_catalogue(&self, functions: Option<Vec<Function>>) -> Result<()>;

    /// Forgets what has ended.
    async fn tidy(&self);

    /// Removes for good what was revoked long ago. An edge has none of it.
    async fn prune(&self) {}
}

/// Reads the catalogue and the certificate again, at a server and at an edge. Each that cannot be used stays as it was.
#[derive(Clone, Debug)]
pub struct Reload {
    changing: Arc<dyn Changing>,
    certificates: Option<Certificates>,
}

impl Reload {
    pub(crate) fn new(changing: Arc<dyn Changing>, certificates: Option<Certificates>) -> Reload {
        Reload { changing, certificates }
    }

    /// Reads everything again.
    ///
    /// # Errors
    /// The first failure, after all has been tried; each is logged.
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
                Ok(()) => tracing::info!("the {what} was read again"),
                Err(failure) => {
                    tracing::error!(code = failure.code(), "reload failed, the old {what} stays: {failure}");
                }
            }
            first = first.and(outcome);
        }
        first
    }

    async fn catalogue(&self) -> std::result::Result<(), ServerError> {
        let functions = self.changing.catalogue().functions(self.changing.module())?;
        Ok(self.changing.set_catalogue(functions).await?)
    }

    /// Reloads on SIGHUP, and tidies, until it is aborted.
    pub(crate) fn spawn(self, mut hang_up: HangUp) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut tidy = interval(TIDY);
            tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut renew = interval(RENEW);
            renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut prune = interval(PRUNE);
            prune.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // The first time there may be a lot to remove.
            let mut pruning = JoinSet::new();
            loop {
                tokio::select! {
                    () = hang_up.next() => {
                        // What failed has been logged.
                        let _ = self.run().await;
                    }
                    _ = tidy.tick() => {
                        self.changing.tidy().await;
                        metrics::tidy();
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

/// SIGHUP, where there is such a signal.
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
            .inspect_err(|error| tracing::warn!("SIGHUP cannot be heard: {error}"))
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
