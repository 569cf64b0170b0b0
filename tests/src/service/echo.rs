//! A small API behind a guard. It answers with the request that it received.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fault::Fault;

/// The key of the sample handshake of RFC 6455, section 1.3, and its answer.
pub const WEBSOCKET_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const WEBSOCKET_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// An API on loopback that lives as long as the test's process.
#[derive(Clone, Debug)]
pub struct Echo {
    address: SocketAddr,
    reached: Arc<AtomicUsize>,
    last: Arc<Mutex<Value>>,
}

impl Echo {
    /// Starts the API. It answers 200 with the request as a JSON object, 500 to the path `/fails`, with the body itself to
    /// `/mirror`, and to `/events?SECONDS` with an event at once and another after that time. It accepts [`WEBSOCKET_KEY`], and
    /// then sends back what it gets.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> Result<Self, Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(Fault::during("a port for the API"))?;
        let echo = Echo {
            address: listener.local_addr().map_err(Fault::during("the API's port"))?,
            reached: Arc::default(),
            last: Arc::default(),
        };
        let shared = echo.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                // A client may disconnect at any time.
                thread::spawn(move || shared.serve(stream));
            }
        });
        Ok(echo)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of requests that it received.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    /// The last request that it received, in the form of its answer.
    #[must_use]
    pub fn last(&self) -> Value {
        self.last.lock().map(|last| last.clone()).unwrap_or_default()
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let mut first = String::new();
            if reader.read_line(&mut first)? == 0 {
                return Ok(());
            }
            self.reached.fetch_add(1, Ordering::SeqCst);
            let (mut headers, mut length) = (serde_json::Map::new(), 0_usize);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                let (name, value) = (name.to_ascii_lowercase(), value.trim());
                if name == "content-length" {
                    length = value.parse().unwrap_or_default();
                }
                // A repeated field is shown with both values.
                let both = headers
                    .get(&name)
                    .and_then(|first| first.as_str())
                    .map(|first| format!("{first}, {value}"));
                headers.insert(name, json!(both.unwrap_or_else(|| value.to_owned())));
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let mut words = first.split(' ');
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if target == "/mirror" {
                let length = body.len();
                write!(reader.get_mut(), "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
                reader.get_mut().write_all(&body)?;
                continue;
            }
            if let Some(quiet) = target.strip_prefix("/events?") {
                let quiet = Duration::from_secs(quiet.parse().unwrap_or_default());
                return events(reader.get_mut(), quiet);
            }
            if headers.get("sec-websocket-key").is_some_and(|key| key == WEBSOCKET_KEY)
                && headers.get("upgrade").is_some_and(|upgrade| upgrade == "websocket")
            {
                return talk(&mut reader);
            }
            let status = if target == "/fails" {
                "500 Internal Server Error"
            } else {
                "200 OK"
            };
            let said = json!({
                "method": method,
                "target": target,
                "headers": headers,
                "body": String::from_utf8_lossy(&body),
            });
            if let Ok(mut last) = self.last.lock() {
                last.clone_from(&said);
            }
            let said = said.to_string();
            let kind = "Content-Type: application/json";
            let reply = format!(
                "HTTP/1.1 {status}\r\n{kind}\r\nContent-Length: {}\r\n\r\n{}",
                said.len(),
                if method == "HEAD" { "" } else { &said }
            );
            reader.get_mut().write_all(reply.as_bytes())?;
        }
    }
}

/// Sends two events, the second after a time in which nothing is sent.
fn events(stream: &mut TcpStream, quiet: Duration) -> io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes())?;
    for (event, pause) in [("data: first\n\n", quiet), ("data: second\n\n", Duration::ZERO)] {
        write!(stream, "{:x}\r\n{event}\r\n", event.len())?;
        thread::sleep(pause);
    }
    stream.write_all(b"0\r\n\r\n")
}

/// Agrees to a WebSocket, and sends back every byte: the frames aren't read.
fn talk(reader: &mut BufReader<TcpStream>) -> io::Result<()> {
    let accept = format!("Sec-WebSocket-Accept: {WEBSOCKET_ACCEPT}");
    let head =
        format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{accept}\r\n\r\n");
    let mut back = reader.get_ref().try_clone()?;
    back.write_all(head.as_bytes())?;
    io::copy(reader, &mut back).map(drop)
}
