//! What a reply leaves unread of the request's body: it is read afterwards, or the reply says that the connection ends.
//! Otherwise the library would close the connection without a word, and the client's next request would fail.

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

/// How much of a body is read that nobody wants, and for how long: less than a new connection costs.
const DRAINED: u64 = 64 << 10;
const TIME: Duration = Duration::from_millis(200);

/// A request's body after it was handed to a handler.
pub(crate) struct Unread {
    body: Arc<Given>,
    /// The client sends the body when it is asked to.
    waits: bool,
}

#[derive(Debug)]
struct Given {
    incoming: Mutex<Incoming>,
    asked: AtomicBool,
}

/// The handler's hold on the body.
#[derive(Debug)]
struct Handed(Arc<Given>);

impl Unread {
    /// The body for the handler, and what is left of it later; `None` where there is no body.
    pub(crate) fn of(incoming: Incoming, headers: &HeaderMap) -> (Body, Option<Unread>) {
        if incoming.is_end_stream() {
            return (Body::empty(), None);
        }
        let body = Arc::new(Given {
            incoming: Mutex::new(incoming),
            asked: AtomicBool::new(false),
        });
        let unread = Unread {
            body: Arc::clone(&body),
            waits: headers.contains_key(header::EXPECT),
        };
        (Body::new(Handed(body)), Some(unread))
    }

    /// Reads the rest. `false`: there is more than is worth reading, so the connection must end.
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
        let mut rest = Handed(self.body);
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

impl Given {
    fn lock(&self) -> MutexGuard<'_, Incoming> {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Handed {
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
