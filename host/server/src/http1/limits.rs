//! Size, count and time limits of HTTP.

use std::time::Duration;

/// Size, count and time limits of HTTP.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Maximum connections on each port.
    pub connections: usize,
    /// Maximum connections of one address (or IPv6 /64) that is not a trusted proxy.
    pub connections_per_address: usize,
    /// Time limit for the TLS handshake.
    pub handshake_time: Duration,
    /// Time limit for a request's head, from its first byte to its last.
    pub head_time: Duration,
    /// Time limit between two requests of a connection.
    pub idle_time: Duration,
    /// Time limit between two pieces of a request body.
    pub body_stall: Duration,
    /// Time limit for the whole body of a call to one of the service's own functions.
    pub body_time: Duration,
    /// Time limit for one of the service's own handlers.
    pub handler_time: Duration,
    /// Time limit for the upstream to take more of a request, and to start its answer once it has the whole request.
    pub upstream_time: Duration,
    /// Time limit for the upstream between two pieces of its answer. Zero means no limit.
    pub upstream_stall: Duration,
    /// Interval at which the token of an upgraded connection is verified again.
    pub upgrade_check: Duration,
    /// Time limit for the client to take another piece of a reply.
    pub write_time: Duration,
    /// Time limit for requests in progress when the server stops.
    pub stop_time: Duration,
    /// Maximum size of the request line and header fields, in bytes.
    pub head_bytes: usize,
    /// The same on the listener for routes, where cookies are the API's.
    pub guard_head_bytes: usize,
    /// Maximum size of the request target, in bytes.
    pub target_bytes: usize,
    /// Maximum number of header fields of a request.
    pub fields: usize,
    /// Maximum body of a call to one of the service's own functions, in bytes.
    pub body_bytes: usize,
    /// Maximum body of a forwarded request, in bytes.
    pub upstream_body_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> HttpLimits {
        HttpLimits {
            connections: 4096,
            connections_per_address: 512,
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            body_stall: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            handler_time: Duration::from_secs(120),
            upstream_time: Duration::from_secs(60),
            upstream_stall: Duration::from_secs(3600),
            upgrade_check: Duration::from_secs(10),
            write_time: Duration::from_secs(120),
            stop_time: Duration::from_secs(10),
            head_bytes: 24 << 10,
            guard_head_bytes: 64 << 10,
            target_bytes: 16 << 10,
            fields: 100,
            body_bytes: 1 << 20,
            upstream_body_bytes: 64 << 20,
        }
    }
}
