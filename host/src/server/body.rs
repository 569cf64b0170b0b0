//! Reads the body of a request within the limits.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, SizeHint};

use super::config::EdgeLimits;
use super::problem::Problem;

/// Reads a whole body of our own functions: not more than the limit, and not slower.
///
/// # Errors
/// [`Problem::BODY_TOO_LARGE`] (413), [`Problem::BODY_TOO_SLOW`] (408), [`Problem::BODY_BROKEN`] (400).
pub async fn read_body(body: Body, limits: &EdgeLimits) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(Problem::BODY_TOO_LARGE);
    }
    let reading = Limited::new(body, limits.body_bytes).collect();
    match tokio::time::timeout(limits.body_time, reading).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::BODY_TOO_LARGE),
        Ok(Err(error)) => Err(fault_of(error.as_ref())),
        Err(_) => Err(Problem::BODY_TOO_SLOW),
    }
}

/// A body that is refused while it goes on, and what its sender is told.
#[derive(Debug)]
pub(super) struct Unfit(pub(super) Problem);

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code)
    }
}

impl std::error::Error for Unfit {}

/// What is wrong with a body that could not be read to its end: its sender stopped, or it is no body.
fn fault_of(error: &(dyn std::error::Error + 'static)) -> Problem {
    let causes = || std::iter::successors(Some(error), |error| error.source());
    if let Some(Unfit(problem)) = causes().find_map(|cause| cause.downcast_ref()) {
        return *problem;
    }
    let stalled = causes().any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::TimedOut)
    });
    if stalled {
        Problem::BODY_TOO_SLOW
    } else {
        Problem::BODY_BROKEN
    }
}

/// A body that goes on to somebody else, and remembers what was wrong with it.
pub(super) struct Watched {
    body: Body,
    fault: Arc<OnceLock<Problem>>,
}

impl Watched {
    /// The body, and where its fault will stand.
    pub(super) fn over(body: Body) -> (Body, Arc<OnceLock<Problem>>) {
        let fault = Arc::default();
        let watched = Watched {
            body,
            fault: Arc::clone(&fault),
        };
        (Body::new(watched), fault)
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Err(error))) = &polled {
            self.fault.get_or_init(|| fault_of(error));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
