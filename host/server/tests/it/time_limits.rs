//! Slow clients, many clients, and the server's shutdown.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::common::http::{Running, connect, field, read_all, status};
use axum::Router;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use tokenlatch_server::{Config, HttpLimits, read_body};
use tokio::sync::watch;

const SHORT: Duration = Duration::from_millis(400);

/// Time limit for events that should come soon.
const PATIENCE: Duration = Duration::from_secs(20);

fn impatient(config: &mut Config) {
    config.limits.head_time = SHORT;
    config.limits.idle_time = SHORT;
    config.limits.body_stall = SHORT;
    config.limits.body_time = SHORT * 2;
    config.limits.write_time = SHORT;
}

/// Routes that read the body, send a large reply, or take a while.
fn routes(limits: HttpLimits) -> Router {
    let body = |Shared(limits): Shared<HttpLimits>, body: Body| async move {
        match read_body(body, &limits).await {
            Ok(bytes) => bytes.len().to_string().into_response(),
            Err(problem) => problem.into_response(),
        }
    };
    Router::new()
        .route("/", get(|| async { "quick" }))
        .route("/body", any(body))
        .route("/large", get(|| async { "x".repeat(64 << 20) }))
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(SHORT * 3).await;
                "slow"
            }),
        )
        .with_state(limits)
}

/// Requests to `/held`, which are answered when the test says so.
struct Held {
    begun: Receiver<()>,
    go: watch::Sender<bool>,
}

impl Held {
    /// The usual routes, and `/held`.
    fn with(limits: HttpLimits) -> (Held, Router) {
        let (begins, begun) = channel();
        let (go, may_go) = watch::channel(false);
        let handler = async move || {
            // The receiver is gone once the test is over.
            let _ = begins.send(());
            let _ = may_go.clone().wait_for(|go| *go).await;
            "held"
        };
        (Held { begun, go }, routes(limits).route("/held", get(handler)))
    }

    /// Waits until a request has reached the handler.
    fn await_one(&self) {
        self.begun.recv_timeout(PATIENCE).expect("the request arrives");
    }

    /// Lets all of them be answered.
    fn release(&self) {
        self.go.send_replace(true);
    }
}

fn server() -> Running {
    let mut config = Config::plain();
    impatient(&mut config);
    Running::with(impatient, Some(routes(config.limits)))
}

fn quick(server: &Running) -> u16 {
    status(&server.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
}

/// The time until the server closed the connection, and what it sent.
fn ended(mut stream: TcpStream) -> (Duration, String) {
    let started = Instant::now();
    let reply = read_all(&mut stream);
    (started.elapsed(), reply)
}

#[test]
fn a_silent_connection_is_closed() {
    let server = server();
    let (time, reply) = ended(server.connect());
    assert_eq!(reply, "");
    assert!(time < SHORT * 5, "{time:?}");
}

#[test]
fn slow_header_fields_are_answered_408() {
    let server = server();
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").unwrap();
    let started = Instant::now();
    // Sending a byte now and then does not extend the limit.
    let mut trickle = stream.try_clone().unwrap();
    let trickling = std::thread::spawn(move || {
        while started.elapsed() < SHORT * 4 && trickle.write_all(b"X").is_ok() {
            std::thread::sleep(SHORT / 8);
        }
    });
    let mut reply = [0; 4096];
    let read = stream.read(&mut reply).unwrap();
    let time = started.elapsed();
    assert_eq!(status(&String::from_utf8_lossy(&reply[..read])), 408);
    assert!(time >= SHORT && time < SHORT * 4, "{time:?}");
    trickling.join().unwrap();
}

#[test]
fn slow_bodies_are_answered_408() {
    let server = server();
    // Once with nothing more, once with a byte now and then.
    for trickling in [false, true] {
        let mut stream = server.connect();
        stream
            .write_all(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
            .unwrap();
        let started = Instant::now();
        while trickling && started.elapsed() < SHORT * 3 && stream.write_all(b"X").is_ok() {
            std::thread::sleep(SHORT / 8);
        }
        let (time, reply) = ended(stream);
        assert!(matches!(status(&reply), 408 | 400), "{reply}");
        assert_eq!(field(&reply, "connection"), Some("close"));
        assert!(time < SHORT * 8, "{time:?}");
    }
}

#[test]
fn an_idle_connection_is_closed_and_a_slow_handler_is_not() {
    let server = server();
    let mut stream = server.connect();
    for path in ["/slow", "/", "/slow"] {
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut reply = [0; 4096];
        let read = stream.read(&mut reply).unwrap();
        assert_eq!(status(&String::from_utf8_lossy(&reply[..read])), 200, "{path}");
    }
    let (time, rest) = ended(stream);
    assert_eq!(rest, "");
    assert!(time >= SHORT / 2 && time < SHORT * 5, "{time:?}");
}

#[test]
fn a_reply_that_is_never_read_does_not_hold_its_connection() {
    let server = server();
    let mut stream = server.connect();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    std::thread::sleep(SHORT * 5);
    // The server has given up by now, so only bytes already on their way arrive.
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    assert!(bytes.len() < 64 << 20, "{}", bytes.len());
    assert_eq!(quick(&server), 200);
}

#[test]
fn bodies_over_the_limit_are_answered_413() {
    let server = server();
    let announced = server.send(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n");
    assert_eq!(status(&announced), 413, "{announced}");
    let whole = format!(
        "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n{}",
        "x".repeat(3 << 20)
    );
    assert_eq!(status(&server.send(whole.as_bytes())), 413);
    let chunk = "x".repeat(1 << 20);
    let chunks = format!(
        "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n{chunk}\r\n1\r\nx\r\n0\r\n\r\n"
    );
    assert_eq!(status(&server.send(chunks.as_bytes())), 413);
    let most = format!("POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1048576\r\n\r\n{chunk}");
    assert_eq!(status(&server.send(most.as_bytes())), 200);
    let waiting =
        server.send(b"POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n");
    assert_eq!(status(&waiting), 413, "the body was not asked for: {waiting}");
}

#[test]
fn slow_clients_do_not_block_others() {
    let server = Running::with(|_| {}, Some(routes(HttpLimits::default())));
    let slow: Vec<TcpStream> = (0..100)
        .map(|number| {
            let mut stream = connect(server.account);
            let begun: &[u8] = match number % 3 {
                0 => b"",
                1 => b"GET / HTTP/1.1\r\nHo",
                _ => b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx",
            };
            stream.write_all(begun).unwrap();
            stream
        })
        .collect();
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(quick(&server), 200);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(slow);
}

/// A server with `/held` that accepts `total` connections, and `each` from one address.
fn with_places(total: usize, each: usize) -> (Held, Running) {
    let (held, routes) = Held::with(HttpLimits::default());
    let server = Running::with(
        |config| {
            config.limits.connections = total;
            config.limits.connections_per_address = each;
        },
        Some(routes),
    );
    (held, server)
}

#[test]
fn connections_are_limited_in_all_and_for_each_address() {
    for (total, each) in [(3, 100), (100, 3)] {
        let (held, server) = with_places(total, each);
        let busy: Vec<TcpStream> = (0..3)
            .map(|_| {
                let mut stream = connect(server.account);
                stream.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                held.await_one();
                stream
            })
            .collect();
        // No connection is waiting for its client any more.
        let mut over = connect(server.account);
        let mut reply = String::new();
        // Nothing is sent, so a reset can lose nothing.
        over.read_to_string(&mut reply).unwrap();
        assert_eq!(status(&reply), 503, "{reply}");
        held.release();
        drop(busy);
        let started = Instant::now();
        loop {
            let mut stream = connect(server.account);
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let mut reply = String::new();
            let _ = stream.read_to_string(&mut reply);
            if reply.starts_with("HTTP/1.1 200") {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "places come free again");
        }
    }
}

#[test]
fn idle_connections_are_evicted_for_new_ones() {
    for (total, each) in [(6, 100), (100, 6)] {
        let (held, server) = with_places(total, each);
        let mut busy = connect(server.account);
        busy.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        held.await_one();
        // Some have sent a request, some nothing, one half of a head, one part of a body.
        let idle: Vec<TcpStream> = [
            "",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHo",
            "",
            "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
        ]
        .into_iter()
        .map(|sent| {
            let mut stream = connect(server.account);
            stream.write_all(sent.as_bytes()).unwrap();
            std::thread::sleep(SHORT / 8);
            stream
        })
        .collect();
        for _ in 0..20 {
            let mut fresh = connect(server.account);
            fresh
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .unwrap();
            assert_eq!(status(&read_all(&mut fresh)), 200);
        }
        let crowd: Vec<TcpStream> = (0..5).map(|_| connect(server.account)).collect();
        for mut stream in idle {
            // A reset counts as a close too.
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
        }
        // The busy request may end only now.
        held.release();
        let reply = read_all(&mut busy);
        assert!(
            reply.starts_with("HTTP/1.1 200 ") && reply.ends_with("held"),
            "one at work stays: {reply:?}"
        );
        drop(crowd);
    }
}

#[test]
fn graceful_stop_finishes_pending_requests() {
    let (held, routes) = Held::with(HttpLimits::default());
    let mut server = Running::with(
        |config| {
            // Only the shutdown can end a connection within the test's time limit.
            for limit in [
                &mut config.limits.head_time,
                &mut config.limits.idle_time,
                &mut config.limits.stop_time,
            ] {
                *limit = PATIENCE * 3;
            }
        },
        Some(routes),
    );
    let mut busy = server.connect();
    busy.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    held.await_one();
    let fresh = server.connect();
    let mut idle = server.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    // Connections are accepted in order, so the new one has been accepted as well.
    assert!(idle.read(&mut [0; 1024]).unwrap() > 0);
    let address = server.account;
    let task = server.stop();
    let started = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(started.elapsed() < PATIENCE, "nobody is let in any more");
        std::thread::sleep(Duration::from_millis(5));
    }
    held.release();
    let (_, reply) = ended(busy);
    assert_eq!(status(&reply), 200, "{reply}");
    assert!(reply.ends_with("held"), "{reply}");
    assert_eq!(ended(idle).1, "");
    assert_eq!(ended(fresh).1, "");
    server.runtime.block_on(task).unwrap();
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn graceful_stop_has_a_time_limit() {
    let (held, routes) = Held::with(HttpLimits::default());
    let mut server = Running::with(|config| config.limits.stop_time = SHORT, Some(routes));
    let mut stuck = server.connect();
    stuck.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    held.await_one();
    let started = Instant::now();
    let task = server.stop();
    server.runtime.block_on(task).unwrap();
    // The default is longer.
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}
