//! What lets requests in: a server that has the tokens, or an edge that follows one.

use axum::response::Response;
use tokenlatch_core::{Call, Shape, Verdict};

use super::admission::Admitted;
use super::client::Client;
use super::config::Config;
use super::failures::Failures;
use super::form::Form;
use super::metrics;
use super::state::State;
use super::tokens::Job;
use super::upstream::Upstream;
use crate::error::Result;
use crate::gate::Presented;
use crate::module::Module;

use std::sync::Arc;

/// What handlers need in order to let a request in and to pass it on.
pub(super) trait Threshold: Send + Sync + 'static {
    /// Whether functions that manage tokens are carried out here.
    const MANAGES: bool;

    /// Decides whether a call may be made.
    fn verify(
        &self,
        authorization: Presented<'_>,
        call: &Call,
        client: &Client,
    ) -> impl Future<Output = Result<Arc<Verdict>>> + Send;

    /// Carries a function out that manages tokens.
    fn manage(
        &self,
        admitted: &Admitted,
        shape: Shape,
        function: &str,
        form: Form,
    ) -> impl Future<Output = Response> + Send;

    /// The figures now, in the text format of Prometheus.
    fn figures(&self) -> String;

    fn failures(&self) -> &Failures;
    fn module(&self) -> &Module;
    fn config(&self) -> &Config;
    fn upstream(&self) -> Option<&Upstream>;
}

impl Threshold for State {
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
