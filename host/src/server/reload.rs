//! What is read anew while the server runs, and what is tidied now and then.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::error::ServerError;
use super::metrics;
use super::page;
use super::state::State;
use super::tls::Certificates;

/// How often figures and counts are tidied.
const TIDY: Duration = Duration::from_secs(10);
/// How often our own certificate is looked at.
const RENEW: Duration = Duration::from_secs(6 * 3600);

/// Reads the catalogue and the certificates anew. Each that cannot be used stays as it was.
#[derive(Clone, Debug)]
pub struct Reload {
    pub(super) state: State,
    pub(super) certificates: Option<Certificates>,
}

impl Reload {
    /// Reads everything anew.
    ///
    /// # Errors
    /// The first failure, after all has been tried; each is logged.
    pub async fn run(&self) -> Result<(), ServerError> {
        let state = &self.state;
        let catalogue = state.catalogue.reload(&state.gate, state.service.module()).await;
        let certificate = self.certificates.as_ref().map(Certificates::reload);
        for (what, outcome) in [("catalogue", Some(&catalogue)), ("certificate", certificate.as_ref())] {
            match outcome {
                Some(Ok(())) => tracing::info!("the {what} was read anew"),
                Some(Err(failure)) => {
                    tracing::error!(code = failure.code(), "reload failed, the old {what} stays: {failure}");
                }
                None => {}
            }
        }
        catalogue.and(certificate.unwrap_or(Ok(())))
    }

    /// Reloads on SIGHUP, and tidies, until it is aborted.
    pub(super) fn spawn(self, mut hang_up: HangUp) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut tidy = interval(TIDY);
            tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut renew = interval(RENEW);
            renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = hang_up.next() => {
                        // What failed has been logged.
                        let _ = self.run().await;
                    }
                    _ = tidy.tick() => {
                        self.state.failures.tidy();
                        self.state.logins.tidy();
                        page::tidy(&self.state).await;
                        metrics::tidy();
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
pub(super) struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUp {
    #[cfg(unix)]
    pub(super) fn new() -> HangUp {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::warn!("SIGHUP cannot be heard: {error}"))
            .ok();
        HangUp { signal }
    }

    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
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
    pub(super) fn new() -> HangUp {
        HangUp {}
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}
