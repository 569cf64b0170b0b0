//! What decides about requests: a server with the tokens, or an edge that follows one.

use axum::response::Response;
use tokenlatch_core::{Call, Preflights, Shape, Verdict};

use crate::auth::admitted::Admitted;
use crate::auth::credential_fields::CredentialFields;
use crate::auth::failed_attempts::Failures;
use crate::config::Config;
use crate::form::Form;
use crate::guard::upstream::Upstream;
use crate::middleware::client::Client;
use tokenlatch::Module;
use tokenlatch::Presented;
use tokenlatch::Result;

use std::sync::Arc;

/// What handlers need to admit a request and to forward it.
pub(crate) trait Backend: Send + Sync + 'static {
    /// Whether token functions run here.
    const MANAGES: bool;

    /// Decides whether a call is allowed.
    fn verify(
        &self,
        presented: Presented<'_>,
        call: &Call,
        client: &Client,
    ) -> impl Future<Output = Result<Arc<Verdict>>> + Send;

    /// Decides whether what was admitted may go on. It is not counted as another use.
    fn verify_again(
        &self,
        presented: Presented<'_>,
        call: &Call,
        client: &Client,
    ) -> impl Future<Output = Result<Arc<Verdict>>> + Send;

    /// Runs a token function.
    fn manage(
        &self,
        admitted: &Admitted,
        shape: Shape,
        function: &str,
        form: Form,
    ) -> impl Future<Output = Response> + Send;

    /// The current metrics, in the Prometheus text format.
    fn figures(&self) -> String;

    fn failures(&self) -> &Failures;
    fn module(&self) -> &Module;
    fn config(&self) -> &Config;
    fn credential_fields(&self) -> &CredentialFields;
    fn upstream(&self) -> Option<&Upstream>;
    fn preflights(&self) -> &Preflights;
}
