//! What decides about requests: a server that has the tokens, or an edge that follows one.

use axum::response::Response;
use tokenlatch_core::{Call, Shape, Verdict};

use crate::api::form::Form;
use crate::auth::authenticate::Admitted;
use crate::auth::failures::Failures;
use crate::config::Config;
use crate::guard::upstream::Upstream;
use crate::middleware::client::Client;
use tokenlatch::Module;
use tokenlatch::Presented;
use tokenlatch::Result;

use std::sync::Arc;

/// What handlers need in order to let a request in and to pass it on.
pub(crate) trait Backend: Send + Sync + 'static {
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
