//! The link between an edge and its origin. It counts requests and can be cut.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::fault::Fault;

/// Length of a request line's start that identifies the request.
const LINE: usize = 32;

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
            inner: Arc::new(Inner {
                origin,
                cut: AtomicBool::new(false),
                wholes: AtomicU64::new(0),
                deltas: AtomicU64::new(0),
                open: Mutex::default(),
            }),
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
        let (mut buffer, mut line) = ([0; 4096], Vec::new());
        loop {
            let count = match edge.read(&mut buffer)? {
                0 => return Ok(()),
                count => count,
            };
            let piece = buffer.get(..count).unwrap_or_default();
            for byte in piece {
                match byte {
                    b'\n' => {
                        self.count(&line);
                        line.clear();
                    }
                    byte if line.len() < LINE => line.push(*byte),
                    _ => {}
                }
            }
            origin.write_all(piece)?;
        }
    }

    fn count(&self, line: &[u8]) {
        if line.starts_with(b"GET /snapshot/deltas?") {
            self.deltas.fetch_add(1, Ordering::SeqCst);
        } else if line.starts_with(b"GET /snapshot ") {
            self.wholes.fetch_add(1, Ordering::SeqCst);
        }
    }
}
