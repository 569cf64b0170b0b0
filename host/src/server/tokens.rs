//! The functions that manage tokens, as HTTP answers them.

use axum::response::{IntoResponse, Response};
use tokenlatch_core::{ReplyError, Shape};

use super::admission::{Admitted, Denial, denied, response, unavailable};
use super::form::Form;
use super::state::State;
use super::target;
use crate::error::Error;
use crate::service::{AskingToken, FunctionCall, FunctionFailure};

/// A function, and who calls it.
pub(super) struct Job<'a> {
    pub(super) state: &'a State,
    pub(super) admitted: &'a Admitted,
    pub(super) shape: Shape,
    pub(super) function: &'a str,
}

impl Job<'_> {
    /// Whether the interface has the function.
    pub(super) fn is_known(&self) -> bool {
        self.call().is_known()
    }

    /// Carries the function out, and words the reply.
    pub(super) async fn run(&self, form: Form) -> Response {
        match self.state.service.function(&self.call(), form.into_values()).await {
            Ok(reply) => response(reply),
            Err(FunctionFailure::Unknown) => target::NO_FUNCTION.into_response(),
            Err(FunctionFailure::Gone) => denied(self.state, Denial::Unauthorized),
            Err(FunctionFailure::Failed(error)) => self.broken(&error),
        }
    }

    /// The failure of a function, in the module's words.
    pub(super) fn refuse(&self, error: ReplyError) -> Response {
        let reply = self.state.service.function_refused(&self.call(), error);
        reply.map_or_else(|error| self.broken(&error), response)
    }

    fn call(&self) -> FunctionCall<'_> {
        FunctionCall {
            shape: self.shape,
            function: self.function,
            user: &self.admitted.user,
            token: Some(AskingToken {
                id: &self.admitted.id,
                name: self.admitted.verdict.name.as_deref(),
            }),
        }
    }

    /// The store or the module could not do its work: nothing of why is told.
    fn broken(&self, error: &Error) -> Response {
        tracing::error!(code = error.code(), function = self.function, "a function failed");
        unavailable(self.state)
    }
}
