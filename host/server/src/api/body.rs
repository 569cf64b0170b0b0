//! Reads the body of a request within the limits.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::config::HttpLimits;
use crate::problem::Problem;

/// Reads a whole body of our own functions: not more than the limit, and not slower.
///
/// # Errors
/// [`Problem::BODY_TOO_LARGE`] (413), [`Problem::BODY_TOO_SLOW`] (408), [`Problem::BODY_BROKEN`] (400).
pub async fn read_body(body: Body, limits: &HttpLimits) -> Result<Bytes, Problem> {
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
pub(crate) struct Unfit(pub(crate) Problem);

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
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
    });
    if stalled {
        Problem::BODY_TOO_SLOW
    } else {
        Problem::BODY_BROKEN
    }
}

/// A body that goes on to somebody else. What its sender does is seen by [`Sender`].
pub(crate) struct Watched {
    body: Body,
    sender: Arc<Sender>,
}

/// What is known of the sender of a body that goes on to somebody else.
#[derive(Debug)]
pub(crate) struct Sender {
    fault: OnceLock<Problem>,
    state: Mutex<Sending>,
}

/// Who is to do something now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sending {
    /// The sender, to send more.
    Sender,
    /// The receiver, since then: to take more, or to answer once it has all.
    Receiver(Instant),
}

impl Watched {
    /// The body, and what will be known of its sender.
    pub(crate) fn over(body: Body) -> (Body, Arc<Sender>) {
        let sender = Arc::new(Sender {
            fault: OnceLock::new(),
            state: Mutex::new(Sending::Receiver(Instant::now())),
        });
        let watched = Watched {
            body,
            sender: Arc::clone(&sender),
        };
        (Body::new(watched), sender)
    }
}

impl Sender {
    /// What was wrong with the body.
    pub(crate) fn fault(&self) -> Option<Problem> {
        self.fault.get().copied()
    }

    /// Who is to do something now.
    pub(crate) fn state(&self) -> Sending {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: Sending) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
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
            self.sender.fault.get_or_init(|| fault_of(error));
        }
        self.sender.set(match &polled {
            Poll::Pending => Sending::Sender,
            Poll::Ready(_) => Sending::Receiver(Instant::now()),
        });
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body of which each piece must come in time. Only the time counts in which the reader wants one.
pub(crate) struct Timely {
    body: Body,
    limit: Duration,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Timely {
    /// The body under a limit; zero is none.
    pub(crate) fn over(body: Body, limit: Duration) -> Body {
        if limit.is_zero() {
            return body;
        }
        Body::new(Timely {
            body,
            limit,
            wait: None,
        })
    }
}

impl HttpBody for Timely {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if polled.is_ready() {
            this.wait = None;
            return polled;
        }
        let limit = this.limit;
        let wait = this.wait.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(wait.as_mut().poll(cx));
        tracing::warn!("the API behind this service stopped in the middle of an answer");
        Poll::Ready(Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
