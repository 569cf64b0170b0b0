//! The link between an edge and its origin. It counts requests and can be cut.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::fault::Fault;

/// Starts of the requests that are counted.
const WHOLE: &[u8] = b"GET /snapshot ";
const DELTAS: &[u8] = b"GET /snapshot/deltas?";

/// A link on loopback. It lives as long as the process.
#[derive(Clone, Debug)]
pub struct Relay {
    address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    origin: SocketAddr,
    cut: AtomicBool,
    wholes: AtomicU64,
    deltas: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Starts a link to the administrator's port of an origin.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(origin: SocketAddr) -> Result<Relay, Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(Fault::during("a port for the link"))?;
        let relay = Relay {
            address: listener.local_addr().map_err(Fault::during("the link's port"))?,
            inner: Arc::new(Inner::to(origin)),
        };
        let inner = Arc::clone(&relay.inner);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inner = Arc::clone(&inner);
                // A client may disconnect at any time.
                thread::spawn(move || inner.carry(stream));
            }
        });
        Ok(relay)
    }

    /// The URL that the edge must follow.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes every connection and refuses new ones.
    pub fn cut(&self) {
        self.inner.cut.store(true, Ordering::SeqCst);
        for stream in self.inner.open().drain(..) {
            // The connection may already be closed.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Allows connections again.
    pub fn mend(&self) {
        self.inner.cut.store(false, Ordering::SeqCst);
    }

    /// Number of requests for the whole snapshot.
    #[must_use]
    pub fn wholes(&self) -> u64 {
        self.inner.wholes.load(Ordering::SeqCst)
    }

    /// Number of requests for deltas.
    #[must_use]
    pub fn deltas(&self) -> u64 {
        self.inner.deltas.load(Ordering::SeqCst)
    }
}

impl Inner {
    fn to(origin: SocketAddr) -> Self {
        Inner {
            origin,
            cut: AtomicBool::new(false),
            wholes: AtomicU64::new(0),
            deltas: AtomicU64::new(0),
            open: Mutex::default(),
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry(&self, edge: TcpStream) -> io::Result<()> {
        let origin = TcpStream::connect(self.origin)?;
        for stream in [&edge, &origin] {
            stream.set_nodelay(true)?;
        }
        {
            // Under the lock, so that a cut either comes first or closes both streams.
            let mut open = self.open();
            if self.cut.load(Ordering::SeqCst) {
                return Ok(());
            }
            open.retain(|stream| stream.peer_addr().is_ok());
            open.extend([edge.try_clone()?, origin.try_clone()?]);
        }
        let (mut answers, mut to_edge) = (origin.try_clone()?, edge.try_clone()?);
        let back = thread::spawn(move || {
            let _ = io::copy(&mut answers, &mut to_edge);
            let _ = to_edge.shutdown(Shutdown::Both);
        });
        let sent = self.send(&edge, &origin);
        let _ = origin.shutdown(Shutdown::Both);
        let _ = back.join();
        sent
    }

    /// Forwards what the edge sends.
    fn send(&self, mut edge: &TcpStream, mut origin: &TcpStream) -> io::Result<()> {
        let (mut buffer, mut last) = ([0; 4096], Vec::new());
        loop {
            let count = match edge.read(&mut buffer)? {
                0 => return Ok(()),
                count => count,
            };
            let piece = buffer.get(..count).unwrap_or_default();
            self.count(&mut last, piece);
            origin.write_all(piece)?;
        }
    }

    /// Counts requests in what was sent after `last`, and keeps the end of it there. On a connection that is used again, a
    /// request begins right after the body of the previous one, without a line break.
    fn count(&self, last: &mut Vec<u8>, piece: &[u8]) {
        let before = last.len();
        last.extend_from_slice(piece);
        for (start, counter) in [(WHOLE, &self.wholes), (DELTAS, &self.deltas)] {
            // One that ends before the piece was counted already.
            let fresh = last.get((before + 1).saturating_sub(start.len())..).unwrap_or_default();
            let found = fresh.windows(start.len()).filter(|window| *window == start).count();
            counter.fetch_add(found as u64, Ordering::SeqCst);
        }
        let surplus = last.len().saturating_sub(DELTAS.len());
        last.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_request_after_a_body_and_in_pieces() {
        let inner = Inner::to(SocketAddr::from(([127, 0, 0, 1], 0)));
        let sent = b"POST /snapshot/usage HTTP/1.1\r\n\r\n{}GET /snapshot/deltas?since=1-2 HTTP/1.1\r\n\r\nGET /snapshot HTTP/1.1\r\n\r\n";
        for size in 1..=sent.len() {
            let mut last = Vec::new();
            for piece in sent.chunks(size) {
                inner.count(&mut last, piece);
            }
        }
        let sizes = sent.len() as u64;
        assert_eq!(inner.deltas.load(Ordering::SeqCst), sizes);
        assert_eq!(inner.wholes.load(Ordering::SeqCst), sizes);
    }
}
