//! What handlers tell the log and the metrics about a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handler's decision about a request. Add it to the reply's extensions, for the log and the metrics.
#[derive(Clone, Debug)]
pub struct VerdictLogFields {
    /// The verdict's reason, such as `ok` or `token_expired`.
    pub reason: &'static str,
    /// The token's user, once it has been verified.
    pub user: Option<String>,
    /// The token's id, once it has been verified.
    pub token_id: Option<String>,
}

/// What a page logs about a request. Add it to the reply's extensions.
#[derive(Clone, Debug)]
pub(crate) struct PageLogFields {
    /// The outcome, such as `login_invalid`.
    pub(crate) reason: &'static str,
    /// The user who is logged in.
    pub(crate) user: Option<String>,
}

/// Whether a request was forwarded to the API behind the guard. It is in the extensions of each request.
#[derive(Clone, Default)]
pub(crate) struct Forwarded(Arc<AtomicBool>);

impl Forwarded {
    /// Marks the request as forwarded.
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
