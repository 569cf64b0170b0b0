//! An API that reads and writes raw bytes, with a guard in front of it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::common::http::{connect, field};
use crate::common::served::Running;

const PATIENCE: Duration = Duration::from_secs(20);

/// An API of raw bytes, with a guard in front of it.
pub(crate) struct Guarded {
    pub(crate) running: Running,
    pub(crate) alice: String,
    /// Each request as it was received, with the number of its connection.
    pub(crate) seen: Receiver<(usize, Vec<u8>)>,
}

/// What the API does after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Stays,
    Closes,
}

/// An API that answers each request by a function of it and of the number of requests on the connection.
pub(crate) fn guarded(
    tell: impl FnOnce(&mut tokenlatch_server::Config, SocketAddr),
    answer: impl Fn(&[u8], usize) -> (Vec<u8>, Then) + Send + Sync + 'static,
) -> Guarded {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = channel();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for (connection, stream) in listener.incoming().enumerate() {
            let (sender, answer) = (sender.clone(), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut number = 0;
                while let Some(request) = read_message(&mut stream) {
                    number += 1;
                    let (bytes, then) = answer(&request, number);
                    // The receiver is gone once the test is over.
                    let _ = sender.send((connection, request));
                    let _ = stream.write_all(&bytes);
                    if then == Then::Closes {
                        let _ = stream.shutdown(Shutdown::Write);
                        // Closing with unread bytes would reset the connection.
                        let _ = stream.read_to_end(&mut Vec::new());
                        break;
                    }
                }
            });
        }
    });
    let running = Running::with(|config| {
        config.upstream = Some(format!("http://{address}").parse().unwrap());
        tell(config, address);
    });
    let alice = running.full("alice", "first");
    Guarded { running, alice, seen }
}

/// An API that sends the same bytes for each request.
pub(crate) fn answering(bytes: &'static str, then: Then) -> Guarded {
    guarded(|_, _| {}, move |_, _| (bytes.as_bytes().to_vec(), then))
}

/// Reads one message: its head, and a body by its length or in chunks. `None` at the end.
fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    if let Some(length) = field(&head, "content-length") {
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).ok()?;
        bytes.extend(body);
    } else if field(&head, "transfer-encoding").is_some() {
        let start = bytes.len() - 2;
        while !bytes[start..].ends_with(b"\r\n0\r\n\r\n") {
            stream.read_exact(&mut byte).ok()?;
            bytes.push(byte[0]);
        }
    }
    Some(bytes)
}

impl Guarded {
    /// Sends the bytes after the request line and `Authorization`, and reads to the end of the connection.
    pub(crate) fn send(&self, line: &str, rest: &[u8]) -> Vec<u8> {
        let head = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n",
            self.alice
        );
        let mut stream = connect(self.running.account);
        stream.write_all(&[head.as_bytes(), rest].concat()).unwrap();
        let mut reply = Vec::new();
        // A reset after the reply also counts as a close.
        let _ = stream.read_to_end(&mut reply);
        reply
    }

    /// A plain request, and its reply as text.
    pub(crate) fn get(&self, line: &str) -> String {
        String::from_utf8(self.send(line, b"Connection: close\r\n\r\n")).unwrap()
    }

    /// The next request that the API received.
    pub(crate) fn request(&self) -> Vec<u8> {
        self.seen.recv_timeout(PATIENCE).expect("a request arrives").1
    }

    /// The same as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.request()).unwrap()
    }
}

/// The body of a message, with its chunks.
pub(crate) fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").unwrap().1
}
