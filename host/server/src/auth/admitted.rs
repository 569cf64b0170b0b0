//! An admitted request, and the note about a decision for the log.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use tokenlatch_core::Verdict;

use crate::middleware::log_fields::VerdictLogFields;

/// A request that the verifier admitted.
pub(crate) struct Admitted {
    pub(crate) verdict: Arc<Verdict>,
    /// The token's user.
    pub(crate) user: String,
    /// The token's id, if it is known: an edge may hold a table without ids.
    pub(crate) id: Option<String>,
}

impl Admitted {
    /// Adds the caller to the reply, for the log.
    pub(crate) fn sign(&self, reply: impl IntoResponse) -> Response {
        let mut reply = reply.into_response();
        note(&mut reply, self.verdict.reason.as_str(), Some(&self.verdict));
        reply
    }
}

/// Adds the decision to the reply, for the log.
pub(crate) fn note(reply: &mut Response, reason: &'static str, verdict: Option<&Verdict>) {
    reply.extensions_mut().insert(VerdictLogFields {
        reason,
        user: verdict.and_then(|verdict| verdict.user.clone()),
        token_id: verdict.and_then(|verdict| verdict.id.clone()),
    });
}
