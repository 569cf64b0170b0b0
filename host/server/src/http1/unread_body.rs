//! Handles the part of a request body that the handler left unread. It is read after the reply, or the reply announces that the
//! connection ends. Otherwise the library would close the connection silently, and the client's next request would fail.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// How much of an unread body is drained, and for how long. That costs less than a new connection.
const DRAINED: u64 = 64 << 10;
const TIME: Duration = Duration::from_millis(200);

/// A request's body after it was passed to a handler.
pub(crate) struct Unread {
    body: Arc<BodyState>,
    /// Whether the client waits for `100 Continue` before it sends the body.
    waits: bool,
}

#[derive(Debug)]
struct BodyState {
    incoming: Mutex<Incoming>,
    asked: AtomicBool,
}

/// The handler's side of the body.
#[derive(Debug)]
struct HandlerBody(Arc<BodyState>);

impl Unread {
    /// Splits a body into the handler's side and the part to drain later; `None` if there is no body.
    pub(crate) fn of(incoming: Incoming, headers: &HeaderMap) -> (Body, Option<Unread>) {
        if incoming.is_end_stream() {
            return (Body::empty(), None);
        }
        let body = Arc::new(BodyState {
            incoming: Mutex::new(incoming),
            asked: AtomicBool::new(false),
        });
        let unread = Unread {
            body: Arc::clone(&body),
            waits: headers.contains_key(header::EXPECT),
        };
        (Body::new(HandlerBody(body)), Some(unread))
    }

    /// Drains the body. `false` if too much is left, so that the connection must end.
    pub(crate) async fn finish(self) -> bool {
        let (ended, more) = {
            let incoming = self.body.lock();
            (incoming.is_end_stream(), incoming.size_hint().lower())
        };
        if ended {
            return true;
        }
        let given_back = Arc::strong_count(&self.body) == 1;
        let unasked = self.waits && !self.body.asked.load(Ordering::Relaxed);
        if !given_back || unasked || more > DRAINED {
            return false;
        }
        let mut rest = HandlerBody(self.body);
        let reading = async {
            let mut read = 0_u64;
            while let Some(frame) = rest.frame().await {
                let Ok(frame) = frame else { return false };
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                read = read.saturating_add(length);
                if read > DRAINED {
                    return false;
                }
            }
            true
        };
        timeout(TIME, reading).await.unwrap_or(false)
    }
}

impl BodyState {
    fn lock(&self) -> MutexGuard<'_, Incoming> {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for HandlerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0.asked.store(true, Ordering::Relaxed);
        Pin::new(&mut *self.0.lock()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().size_hint()
    }
}
