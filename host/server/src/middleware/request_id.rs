//! Ids of requests: in the log, in the reply, and from a trusted proxy.

use std::fmt;
use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Maximum length of an id from a proxy.
const MAX: usize = 64;

/// The id of a request: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. It is not secret.
#[derive(Clone, Copy)]
pub struct RequestId {
    text: [u8; MAX],
    length: usize,
}

impl RequestId {
    /// Creates an id: 64 random bits of this process and a counter, in hex.
    #[must_use]
    pub fn new() -> RequestId {
        static PREFIX: LazyLock<u64> = LazyLock::new(|| getrandom::u64().unwrap_or_default());
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut text = [0; MAX];
        let mut rest = text.as_mut_slice();
        // The text is shorter than the buffer.
        let _ = write!(rest, "{:016x}-{count:x}", *PREFIX);
        let length = MAX - rest.len();
        RequestId { text, length }
    }

    /// Parses an id from a proxy. `None` if it is invalid.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<RequestId> {
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if bytes.is_empty() || bytes.len() > MAX || !bytes.iter().all(fits) {
            return None;
        }
        let mut text = [0; MAX];
        for (place, byte) in text.iter_mut().zip(bytes) {
            *place = *byte;
        }
        Some(RequestId {
            text,
            length: bytes.len(),
        })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.text.get(..self.length).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl Default for RequestId {
    fn default() -> RequestId {
        RequestId::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}
