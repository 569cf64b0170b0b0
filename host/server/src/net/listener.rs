//! Accepts connections. Each has its own task, so a slow client does not delay the others.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::config::{Config, HttpLimits};
use crate::connections::{ConnectionPermit, Connections};
use crate::error::ServerError;
use crate::guard::upgrade::TunnelSeat;
use crate::http1::wire::Wire;
use crate::middleware::metrics;
use crate::middleware::request::{Handler, Handling};
use crate::net::tls::Certificates;
use tokenlatch::Module;
use tokenlatch::Publisher;

/// Pause after an error of the system, such as too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// The library's own limits are higher than the configured ones, so that requests are refused before it sees them.
const LIBRARY_FIELDS: usize = 16;
const LIBRARY_BUFFER: usize = 64 << 10;

/// The reply over the limit on connections.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";

/// The reply to plain HTTP on a TLS port. It is not a redirect: a token was sent unprotected, and that must not go unnoticed
/// (ASVS V4.1.2).
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 27\r\nCache-Control: no-store\r\nConnection: close\r\n\r\nThis port speaks TLS only.\n";

/// The stages of stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Stage {
    Running,
    /// Requests in progress are finished.
    Finishing,
    /// Everything is dropped.
    Ended,
}

/// Waits until a stage is reached.
async fn reached(stage: &mut watch::Receiver<Stage>, wanted: Stage) {
    // The sender is gone, so the server has ended.
    let _ = stage.wait_for(|stage| *stage >= wanted).await;
}

/// What a port serves.
pub(crate) struct ListenerContext {
    handling: Arc<Handling>,
    connections: Arc<Connections>,
    certificates: Option<Certificates>,
}

impl ListenerContext {
    pub(crate) fn new(
        name: &'static str,
        router: Router,
        config: &Arc<Config>,
        module: &Module,
        publisher: Option<Publisher>,
        certificates: Option<Certificates>,
    ) -> ListenerContext {
        let limits = &config.limits;
        ListenerContext {
            handling: Arc::new(Handling::new(
                name,
                Arc::clone(config),
                router,
                module.clone(),
                publisher,
            )),
            connections: Connections::new(limits.connections, limits.connections_per_address),
            certificates,
        }
    }

    fn limits(&self) -> &HttpLimits {
        &self.handling.config.limits
    }
}

/// A bound port.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    port: Arc<ListenerContext>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listener({})", self.address)
    }
}

impl Listener {
    pub(crate) async fn bind(address: SocketAddr, port: ListenerContext) -> Result<Listener, ServerError> {
        let fault = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ServerError::PortInUse(address),
            io::ErrorKind::PermissionDenied => ServerError::PortDenied(address),
            _ => ServerError::Listen {
                address,
                reason: error.to_string(),
            },
        };
        let socket = TcpListener::bind(address).await.map_err(fault)?;
        let address = socket.local_addr().map_err(fault)?;
        Ok(Listener {
            socket,
            address,
            port: Arc::new(port),
        })
    }

    /// Binds an address, if one is given.
    pub(crate) async fn bind_any(
        address: Option<SocketAddr>,
        port: impl FnOnce() -> ListenerContext,
    ) -> Result<Option<Listener>, ServerError> {
        match address {
            Some(address) => Listener::bind(address, port()).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn accept(&self, stage: &watch::Receiver<Stage>) {
        let port = &self.port;
        match self.socket.accept().await {
            Ok((stream, peer)) => {
                let address = peer.ip().to_canonical();
                let counted = !port.handling.config.trusts(address);
                let Some(place) = port.connections.enter(address, counted) else {
                    metrics::turned_away(port.handling.name);
                    turn_away(&stream, port.certificates.is_some());
                    return;
                };
                if place.evicted {
                    metrics::evicted(port.handling.name);
                }
                metrics::connections(port.handling.name, port.connections.count());
                tokio::spawn(connection(stream, peer, port.clone(), place, stage.clone()));
            }
            Err(error) => {
                // The client aborted the connection before it was accepted. This is not an error of the server.
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    tracing::warn!(port = port.handling.name, "cannot accept a connection: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Sends the reply over the limit on connections in one write, if the connection is plain HTTP.
fn turn_away(stream: &TcpStream, secure: bool) {
    if !secure {
        // The connection is closed either way.
        let _ = stream.try_write(BUSY);
    }
}

/// Serves the ports until `stop` completes, then finishes the requests in progress. `now` ends them at once.
pub(crate) async fn serve(listeners: Vec<Listener>, stop_time: Duration, stop: impl Future, now: impl Future) {
    let (tell, stage) = watch::channel(Stage::Running);
    let ports: Vec<Arc<ListenerContext>> = listeners.iter().map(|listener| listener.port.clone()).collect();
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let stage = stage.clone();
        accepting.spawn(async move {
            loop {
                listener.accept(&stage).await;
            }
        });
    }
    stop.await;
    // The sockets are closed with their tasks. From here on the system refuses connections.
    accepting.shutdown().await;
    tell.send_replace(Stage::Finishing);
    let finished = async {
        for port in &ports {
            port.connections.gone().await;
        }
    };
    tokio::select! {
        () = finished => return,
        _ = now => {}
        () = tokio::time::sleep(stop_time) => tracing::warn!("some requests did not finish in time"),
    }
    tell.send_replace(Stage::Ended);
    for port in &ports {
        port.connections.gone().await;
    }
}

/// Serves one connection.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    port: Arc<ListenerContext>,
    place: ConnectionPermit,
    stage: watch::Receiver<Stage>,
) {
    // Without it replies would be delayed (Nagle's algorithm).
    let _ = stream.set_nodelay(true);
    let mut ended = stage.clone();
    tokio::select! {
        () = secured(stream, peer, &port, &place, stage) => {}
        () = reached(&mut ended, Stage::Ended) => {}
        () = place.given_up() => {}
    }
    drop(place);
    metrics::connections(port.handling.name, port.connections.count());
}

async fn secured(
    stream: TcpStream,
    peer: SocketAddr,
    port: &Arc<ListenerContext>,
    place: &ConnectionPermit,
    stage: watch::Receiver<Stage>,
) {
    let Some(certificates) = &port.certificates else {
        return converse(stream, peer, port, (place, false), stage).await;
    };
    let handshake = async {
        let mut first = [0_u8; 1];
        let read = stream.peek(&mut first).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // A TLS record starts with its type, 22 for a handshake. An HTTP method starts with a letter.
        if first.first().is_some_and(u8::is_ascii_alphabetic) {
            return Ok(Err(stream));
        }
        certificates.acceptor().accept(stream).await.map(Ok)
    };
    let mut stopping = stage.clone();
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(port.limits().handshake_time, handshake) => shaken,
        () = reached(&mut stopping, Stage::Finishing) => return,
    };
    match shaken {
        Ok(Ok(Ok(stream))) => converse(stream, peer, port, (place, true), stage).await,
        Ok(Ok(Err(plain))) => refuse_plain(plain, port.limits()).await,
        Ok(Err(error)) => tracing::debug!(port = port.handling.name, %peer, "TLS handshake failed: {error}"),
        Err(_) => tracing::debug!(port = port.handling.name, %peer, "TLS handshake timed out"),
    }
}

async fn refuse_plain(mut stream: TcpStream, limits: &HttpLimits) {
    use tokio::io::AsyncReadExt;
    let saying = async {
        let _ = stream.write_all(PLAIN).await;
        let _ = stream.shutdown().await;
        // The client's bytes are read. Otherwise the system would send a reset, which can overtake the reply.
        let mut waste = [0; 1024];
        for _ in 0..64 {
            if !matches!(stream.read(&mut waste).await, Ok(1..)) {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(limits.handshake_time.min(Duration::from_secs(2)), saying).await;
}

/// Serves HTTP on a stream.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    port: &Arc<ListenerContext>,
    (place, secure): (&ConnectionPermit, bool),
    mut stage: watch::Receiver<Stage>,
) {
    let limits = port.limits();
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_time));
    let stream: Pin<Box<TimeoutStream<S>>> = Box::pin(stream);
    let wire = Wire::new(stream, *limits, place.seat());
    let wired = wire.wired();
    let tunnel = TunnelSeat::default();
    let handling = port.handling.clone();
    let handler = Handler::new(handling, wired.clone(), peer, secure, place.seat(), tunnel.clone());
    let served = http1::Builder::new()
        .half_close(true)
        .max_headers(limits.fields + LIBRARY_FIELDS)
        .max_buf_size(LIBRARY_BUFFER.max(limits.head_bytes * 2))
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(wire), handler)
        .with_upgrades();
    let mut served = pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = reached(&mut stage, Stage::Finishing) => {
            if !wired.started() {
                return;
            }
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(port = port.handling.name, %peer, "the connection was lost: {error}");
    }
    if let Some(tunnel) = tunnel.take() {
        tunnel.run(limits).await;
    }
}
