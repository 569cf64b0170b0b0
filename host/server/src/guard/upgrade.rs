//! Upgraded connections, such as WebSocket: bytes go both ways until a side ends, or until the token is no longer valid.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderMap, HeaderValue};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokenlatch_core::is_safe_upgrade;
use tokio::io::copy_bidirectional_with_sizes;
use tokio_io_timeout::TimeoutStream;

use crate::config::HttpLimits;

/// How many bytes are held for each direction.
const BUFFER: usize = 16 << 10;

/// A protocol that a client asks to change its connection to.
pub(crate) struct Upgrade {
    pub(crate) protocol: HeaderValue,
    client: OnUpgrade,
    seat: TunnelSeat,
}

impl Upgrade {
    /// Reads what a request asks for. `None` if it asks for nothing, or for something that is ignored (RFC 9110, 7.8):
    /// it is then forwarded as any other request.
    pub(crate) fn of(request: &mut Request) -> Option<Upgrade> {
        let headers = request.headers();
        let mut lines = headers.get_all(UPGRADE).iter();
        let (protocol, None) = (lines.next()?.clone(), lines.next()) else {
            return None;
        };
        if !is_safe_upgrade(protocol.as_bytes()) || !names_upgrade(headers) || !request.body().is_end_stream() {
            return None;
        }
        let extensions = request.extensions_mut();
        // Neither is there for HTTP/1.0.
        Some(Upgrade {
            protocol,
            client: extensions.remove()?,
            seat: extensions.remove()?,
        })
    }

    /// Whether an answer changes to the protocol that was asked for.
    pub(crate) fn is_met_by(&self, answer: &HeaderMap) -> bool {
        let mut lines = answer.get_all(UPGRADE).iter();
        let named = lines
            .next()
            .is_some_and(|line| line.as_bytes().eq_ignore_ascii_case(self.protocol.as_bytes()));
        named && lines.next().is_none()
    }

    /// Connects the two sides once the client has the answer. `ended` completes when the connection may not go on.
    pub(crate) fn connect(self, upstream: OnUpgrade, ended: impl Future<Output = ()> + Send + 'static) {
        self.seat.put(Tunnel {
            client: self.client,
            upstream,
            ended: Box::pin(ended),
        });
    }
}

/// Adds the fields of an upgrade, which are those of one connection.
pub(crate) fn add_fields(headers: &mut HeaderMap, protocol: &HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol.clone());
}

fn names_upgrade(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CONNECTION).iter();
    let mut options = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// Where the tunnel of a connection waits until HTTP has ended on it. It is in the extensions of each request.
#[derive(Clone, Default)]
pub(crate) struct TunnelSeat(Arc<Mutex<Option<Tunnel>>>);

impl TunnelSeat {
    fn put(&self, tunnel: Tunnel) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
    }

    /// The tunnel, if the connection was upgraded.
    pub(crate) fn take(&self) -> Option<Tunnel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The two sides of an upgraded connection.
pub(crate) struct Tunnel {
    client: OnUpgrade,
    upstream: OnUpgrade,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Tunnel {
    /// Passes bytes on until both sides have ended, one side fails, the API is silent for too long, or the connection may not
    /// go on.
    pub(crate) async fn run(self, limits: &HttpLimits) {
        let (client, upstream) = match tokio::try_join!(self.client, self.upstream) {
            Ok(sides) => sides,
            Err(error) => return tracing::debug!("the connection was not upgraded: {error}"),
        };
        let mut client = TokioIo::new(client);
        let mut upstream: TimeoutStream<TokioIo<Upgraded>> = TimeoutStream::new(TokioIo::new(upstream));
        upstream.set_write_timeout(Some(limits.upstream_time));
        upstream.set_read_timeout(Some(limits.upstream_stall).filter(|limit| !limit.is_zero()));
        let mut upstream = Box::pin(upstream);
        tokio::select! {
            copied = copy_bidirectional_with_sizes(&mut client, &mut upstream, BUFFER, BUFFER) => {
                if let Err(error) = copied {
                    tracing::debug!("an upgraded connection was lost: {error}");
                }
            }
            () = self.ended => {}
        }
    }
}
