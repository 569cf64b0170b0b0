//! The protocols to which a connection may change (RFC 9110, 7.8).

/// The first letters of protocols that carry HTTP requests, openly or under TLS.
const CARRIERS: &[&str] = &["h2", "h3", "http", "spdy", "ssl", "tls"];

/// Whether a connection may change to a protocol once its request was admitted. `value` is that of `Upgrade`. It must
/// name one protocol, and not one that carries further HTTP requests: nobody would judge them.
#[must_use]
pub fn is_safe_upgrade(value: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/".contains(byte);
    let starts_with = |carrier: &&str| {
        let start = value.get(..carrier.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(carrier.as_bytes()))
    };
    value.first().is_some_and(u8::is_ascii_alphabetic) && value.iter().all(plain) && !CARRIERS.iter().any(starts_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_protocol_without_requests_is_safe() {
        for value in ["websocket", "WebSocket", "tcp", "x-stream/1.0"] {
            assert!(is_safe_upgrade(value.as_bytes()), "{value}");
        }
        for value in [
            "",
            "h2c",
            "H2C",
            "HTTP/2.0",
            "TLS/1.2",
            "spdy/3.1",
            "websocket, h2c",
            "h2c,websocket",
            "web socket",
            "/x",
            "websocket ",
        ] {
            assert!(!is_safe_upgrade(value.as_bytes()), "{value}");
        }
    }
}
