//! Reads request bodies within the size and time limits.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::config::HttpLimits;
use crate::connections::Seat;
use crate::problem::Problem;

/// Reads the whole body of a call to one of the service's own functions, within the size and time limits.
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
        Ok(Err(error)) => Err(fault_of(error.as_ref())),
        Err(_) => Err(Problem::BODY_TOO_SLOW),
    }
}

/// Error that ends a body while it is being forwarded. It holds the reply for the client.
#[derive(Debug)]
pub(crate) struct BodyError(pub(crate) Problem);

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code)
    }
}

impl std::error::Error for BodyError {}

/// The problem with a body that could not be read to its end: it is too long, the client stopped, or the framing is invalid.
fn fault_of(error: &(dyn std::error::Error + 'static)) -> Problem {
    let causes = || std::iter::successors(Some(error), |error| error.source());
    if causes().any(|cause| cause.is::<LengthLimitError>()) {
        return Problem::BODY_TOO_LARGE;
    }
    if let Some(BodyError(problem)) = causes().find_map(|cause| cause.downcast_ref()) {
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

/// A body that is forwarded upstream. [`Sender`] records what the client does.
pub(crate) struct MonitoredBody {
    body: Body,
    sender: Arc<Sender>,
}

/// State of the client that sends a forwarded body.
#[derive(Debug)]
pub(crate) struct Sender {
    fault: OnceLock<Problem>,
    state: Mutex<WaitingFor>,
}

/// Which side must act next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WaitingFor {
    /// The client: it must send more.
    Sender,
    /// The upstream, since that instant: it must take more, or answer once it has the whole body.
    Receiver(Instant),
}

impl MonitoredBody {
    /// Wraps a body of at most `longest` bytes, and returns it with the state of its sender.
    pub(crate) fn over(body: Body, longest: usize) -> (Body, Arc<Sender>) {
        let sender = Arc::new(Sender {
            fault: OnceLock::new(),
            state: Mutex::new(WaitingFor::Receiver(Instant::now())),
        });
        let monitored = MonitoredBody {
            body: Body::new(Limited::new(body, longest)),
            sender: Arc::clone(&sender),
        };
        (Body::new(monitored), sender)
    }
}

impl Sender {
    /// The fault found in the body, if any.
    pub(crate) fn fault(&self) -> Option<Problem> {
        self.fault.get().copied()
    }

    /// Which side must act next.
    pub(crate) fn state(&self) -> WaitingFor {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: WaitingFor) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

impl HttpBody for MonitoredBody {
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
            Poll::Pending => WaitingFor::Sender,
            Poll::Ready(_) => WaitingFor::Receiver(Instant::now()),
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

/// A body whose every frame must arrive in time. Only the time in which the reader waits for a frame counts.
pub(crate) struct TimedBody {
    body: Body,
    limit: Duration,
    wait: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    /// Wraps a body with a time limit for each frame. Zero means no limit.
    pub(crate) fn over(body: Body, limit: Duration) -> Body {
        if limit.is_zero() {
            return body;
        }
        Body::new(TimedBody {
            body,
            limit,
            wait: None,
        })
    }
}

impl HttpBody for TimedBody {
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
        tracing::warn!("the upstream sent nothing for too long in the middle of a response");
        Poll::Ready(Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body of unknown length, such as an event stream. While nothing comes, its connection counts as waiting and may be closed
/// for another: its client may be gone, which shows only when something is sent.
pub(crate) struct QuietBody {
    body: Body,
    seat: Arc<Seat>,
}

impl QuietBody {
    /// Wraps a body, unless its length is known.
    pub(crate) fn over(body: Body, seat: &Arc<Seat>) -> Body {
        if body.size_hint().exact().is_some() {
            return body;
        }
        Body::new(QuietBody {
            body,
            seat: Arc::clone(seat),
        })
    }
}

impl HttpBody for QuietBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match polled {
            Poll::Pending => self.seat.waits(),
            // An evicted connection is dropped.
            Poll::Ready(_) => {
                self.seat.works();
            }
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
