//! The listener for routes: what the catalogue admits there, and what passes in both directions.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::edges::{self, until};
use crate::common::http::{field, status};
use crate::common::module;
use crate::common::served::{Answer, Request, Running};
use crate::raw_api::body;
use crate::tls::secured;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokenlatch::core::{Access, Catalogue, Route, Unlisted};
use tokenlatch::{Follower, FollowerOptions, NewToken};
use tokenlatch_server::{CERTIFICATE_FILE, Config, EdgeServer, Server, Tls};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

const PATIENCE: Duration = Duration::from_secs(20);

/// How much of a stream may wait in the sockets of this machine and in the guard.
const IN_FLIGHT: usize = 16 << 20;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Tokenlatch-User: evil\r\n\r\nok";

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Accept: x\r\nX-Tokenlatch-User: evil\r\n\r\n";

fn route(method: &str, path: &str, feature: Option<&str>, writes: bool) -> Route {
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
        feature: feature.map(str::to_owned),
        writes,
        public: false,
    }
}

fn catalogue() -> Catalogue {
    let public = Route {
        public: true,
        ..route("GET", "/open", None, false)
    };
    Catalogue {
        routes: vec![
            route("GET", "/orders", Some("orders"), false),
            route("GET", "/orders/{id}", Some("orders"), false),
            route("*", "/orders/{id}", Some("orders"), true),
            route("POST", "/orders", Some("orders"), true),
            route("PURGE", "/cache/{*path}", Some("cache"), true),
            route("GET", "/socket", Some("orders"), false),
            public,
        ],
        ..Catalogue::default()
    }
}

/// The head of a message, and what came with it.
fn read_head(stream: &mut impl Read) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// An API of raw bytes: it answers each request of a connection by a function of its head, until that returns false.
fn api(answer: impl Fn(&str, &mut TcpStream) -> bool + Send + Sync + 'static) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = channel();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (sender, answer) = (sender.clone(), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                while let Some(head) = read_head(&mut stream) {
                    // The receiver is gone once the test is over.
                    let _ = sender.send(head.clone());
                    if !answer(&head, &mut stream) {
                        break;
                    }
                }
            });
        }
    });
    (address, seen)
}

/// Reads the body that a head announces by its length.
fn drain(head: &str, stream: &mut impl Read) -> usize {
    let length = field(head, "content-length").map_or(0, |length| length.parse().unwrap());
    std::io::copy(&mut stream.take(length as u64), &mut std::io::sink()).unwrap();
    length
}

fn plain_api() -> (SocketAddr, Receiver<String>) {
    api(|head, stream| {
        drain(head, stream);
        stream.write_all(OK.as_bytes()).is_ok()
    })
}

/// A server with a listener for routes in front of an API.
fn guarded(api: SocketAddr, tell: impl FnOnce(&mut Config)) -> (Running, SocketAddr) {
    let running = Running::with(|config| {
        config.guard_listen = Some(config.listen);
        config.upstream = Some(format!("http://{api}").parse().unwrap());
        tell(config);
    });
    running
        .block_on(running.state.verifier.set_catalogue(Some(catalogue())))
        .unwrap();
    let guard = running.guard.unwrap();
    (running, guard)
}

fn call(guard: SocketAddr, authorization: &str, method: &str, target: &str) -> Answer {
    Request::new(method, target).authorization(authorization).send(guard)
}

/// Opens a connection and sends the head of a request.
fn open(guard: SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(guard).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn the_catalogues_routes_decide() {
    let (address, seen) = plain_api();
    let (running, guard) = guarded(address, |_| {});
    let tokens = [
        running.full("alice", "full"),
        running.reader("alice", "reader"),
        running.limited("alice", "orders", &["orders"]),
        running.limited("alice", "other", &["popaccts"]),
    ];
    for (method, target, statuses) in [
        ("GET", "/orders", [200, 200, 200, 403]),
        ("HEAD", "/orders?page=2", [200, 200, 200, 403]),
        ("POST", "/orders", [200, 403, 200, 403]),
        ("GET", "/orders/7", [200, 200, 200, 403]),
        ("DELETE", "/orders/7", [200, 403, 200, 403]),
        ("PUT", "/orders/7", [200, 403, 200, 403]),
        ("PATCH", "/orders/7", [200, 403, 200, 403]),
        ("OPTIONS", "/orders/7", [200, 403, 200, 403]),
        ("PURGE", "/cache/a/b", [200, 403, 403, 403]),
        // What no route names, and what only some servers take for a route.
        ("GET", "/invoices", [200, 403, 403, 403]),
        ("DELETE", "/orders", [200, 403, 403, 403]),
        ("GET", "/Orders", [200, 403, 403, 403]),
        ("GET", "/orders/7/", [200, 403, 403, 403]),
        ("GET", "/execute/Email/list_pops", [200, 200, 403, 200]),
    ] {
        let found = tokens.each_ref().map(|token| call(guard, token, method, target).status);
        assert_eq!(found, statuses, "{method} {target}");
        assert_eq!(call(guard, "", method, target).status, 401, "{method} {target}");
        for _ in statuses.iter().filter(|status| **status == 200) {
            let head = seen.recv_timeout(PATIENCE).unwrap();
            assert!(head.starts_with(&format!("{method} {target} HTTP/1.1\r\n")), "{head}");
            assert_eq!(field(&head, "x-tokenlatch-user"), Some("alice"), "{head}");
            assert_eq!(field(&head, "authorization"), None, "{head}");
        }
    }
    let deny = Catalogue {
        default: Some(Unlisted::Deny),
        ..catalogue()
    };
    running
        .block_on(running.state.verifier.set_catalogue(Some(deny)))
        .unwrap();
    assert_eq!(call(guard, &tokens[0], "GET", "/invoices").status, 403);
    assert!(seen.try_recv().is_err());
}

#[test]
fn doubtful_requests_are_refused_to_every_token() {
    let (address, seen) = plain_api();
    let (running, guard) = guarded(address, |_| {});
    let full = running.full("alice", "full");
    for (method, target, expected) in [
        ("GET", "/orders/../admin", 400),
        ("GET", "//orders", 400),
        ("GET", "/orders/%2e%2e", 400),
        ("GET", "/orders/%2F", 400),
        ("TRACE", "/orders", 405),
        ("GET", "/orders/%37", 403),
        ("GET", "/orders;x=1", 403),
        ("GET", "/orders/..%20", 403),
        ("GET", "/orders?_method=DELETE", 403),
        ("get", "/orders", 403),
        ("GET", "/json-api/listaccts", 403),
        ("POST", "/execute/Batch/strict", 403),
    ] {
        assert_eq!(call(guard, &full, method, target).status, expected, "{method} {target}");
        let without = call(guard, "", method, target).status;
        assert_eq!(
            without,
            if expected == 403 { 401 } else { expected },
            "{method} {target}"
        );
    }
    assert!(seen.try_recv().is_err(), "nothing reached the API");
}

#[test]
fn no_path_of_the_listener_is_ours() {
    let (address, seen) = plain_api();
    let (running, guard) = guarded(address, |_| {});
    let full = running.full("alice", "full");
    for target in [
        "/",
        "/login",
        "/logout",
        "/tokens",
        "/auth",
        "/auth?module=Email&function=list_pops",
        "/health",
        "/ready",
        "/metrics",
        "/snapshot",
        "/openapi.json",
        "/assets/page.css",
        "/execute/Tokens/list",
    ] {
        let answer = call(guard, &full, "GET", target);
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "{target}");
        let head = seen.recv_timeout(PATIENCE).unwrap();
        assert!(head.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{head}");
        assert_eq!(call(guard, "", "GET", target).status, 401, "{target}");
    }
    // The other ports forward only calls of functions.
    for (port, target) in [(running.account, "/orders"), (running.admin, "/orders")] {
        assert_eq!(call(port, &full, "GET", target).status, 404, "{target}");
    }
    assert!(seen.try_recv().is_err());
    let figures = call(running.admin, "", "GET", "/metrics").body;
    let counted = r#"tokenlatch_requests_total{port="guard",class="guard",status="200"}"#;
    assert!(figures.contains(counted), "{figures}");
}

/// Fields by which a client could claim an identity.
const SPOOFED: &[(&str, &str)] = &[
    ("X-Tokenlatch-User", "root"),
    ("X_Tokenlatch_User", "root"),
    ("X.Tokenlatch.User", "root"),
    ("X-Tokenlatch-Access", "full"),
    ("Remote-User", "root"),
    ("X-Forwarded-User", "root"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Original-URL", "/admin"),
];

#[test]
fn public_routes_pass_without_any_identity() {
    let (address, seen) = plain_api();
    let (running, guard) = guarded(address, |_| {});
    let full = running.full("alice", "full");
    for authorization in [
        "",
        full.as_str(),
        "cpanel alice:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "nonsense",
    ] {
        let mut request = Request::new("GET", "/open").authorization(authorization);
        for (name, value) in SPOOFED {
            request = request.header(name, value);
        }
        let answer = request.header("X-Kept", "1").send(guard);
        assert_eq!((answer.status, answer.header("x-tokenlatch-user")), (200, None));
        let head = seen.recv_timeout(PATIENCE).unwrap();
        assert!(
            !head.contains("root") && !head.contains("DELETE") && !head.contains("/admin"),
            "{head}"
        );
        let ours = head.to_ascii_lowercase().replace(['_', '.'], "-");
        assert!(!ours.contains("x-tokenlatch"), "{head}");
        assert_eq!(
            (field(&head, "authorization"), field(&head, "x-kept")),
            (None, Some("1")),
            "{head}"
        );
    }
    for (method, target) in [("POST", "/open"), ("GET", "/open/"), ("GET", "/OPEN")] {
        assert_eq!(call(guard, "", method, target).status, 401, "{method} {target}");
    }
}

#[test]
fn spoofed_identities_are_replaced_and_traces_go_on() {
    let (address, seen) = plain_api();
    let (running, guard) = guarded(address, |_| {});
    let orders = running.limited("alice", "orders", &["orders"]);
    let traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut request = Request::new("GET", "/orders").authorization(&orders);
    for (name, value) in SPOOFED {
        request = request.header(name, value);
    }
    let cookie = format!("a={}", "x".repeat(28 << 10));
    let request = request
        .header("traceparent", traced)
        .header("tracestate", "a=1,b=2")
        .header("Cookie", &cookie);
    assert_eq!(request.send(guard).status, 200);
    let head = seen.recv_timeout(PATIENCE).unwrap();
    for (name, value) in [
        ("x-tokenlatch-user", "alice"),
        ("x-tokenlatch-realm", "account"),
        ("x-tokenlatch-features", "orders"),
        ("traceparent", traced),
        ("tracestate", "a=1,b=2"),
        ("cookie", &cookie),
        ("x-forwarded-host", "localhost"),
    ] {
        assert_eq!(field(&head, name), Some(value), "{name}");
    }
    assert!(!head.contains("root") && !head.contains("/admin"), "{head}");
}

#[test]
fn methods_with_bodies_have_them_and_get_has_none() {
    let (address, seen) = plain_api();
    let (running, guard) = guarded(address, |_| {});
    let full = running.full("alice", "full");
    let large = "x".repeat(20 << 20);
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
        let request = Request::new(method, "/orders/7")
            .authorization(&full)
            .body("text/plain", &large);
        assert_eq!(request.send(guard).status, 200, "{method}");
        let head = seen.recv_timeout(PATIENCE).unwrap();
        assert_eq!(
            field(&head, "content-length"),
            Some((20 << 20).to_string().as_str()),
            "{head}"
        );
    }
    for method in ["GET", "HEAD"] {
        let request = Request::new(method, "/orders/7")
            .authorization(&full)
            .body("text/plain", "x");
        assert_eq!(request.send(guard).status, 400, "{method}");
    }
    assert!(seen.try_recv().is_err());
}

fn preflight(target: &str) -> Request {
    Request::new("OPTIONS", target)
        .header("Origin", "https://shop.example")
        .header("Access-Control-Request-Method", "DELETE")
}

#[test]
fn preflights_need_a_token_except_on_listed_paths() {
    let (address, seen) = plain_api();
    let (running, guard) = guarded(address, |_| {});
    let orders = running.limited("alice", "orders", &["orders"]);
    assert_eq!(preflight("/orders/7").send(guard).status, 401);
    assert_eq!(preflight("/orders/7").authorization(&orders).send(guard).status, 200);
    seen.recv_timeout(PATIENCE).unwrap();
    assert!(seen.try_recv().is_err());

    let (address, seen) = plain_api();
    let (running, guard) = guarded(address, |config| {
        config.preflight_paths = vec!["/orders/{id}".to_owned(), "/execute/{module}/{function}".to_owned()];
    });
    let orders = running.limited("alice", "orders", &["orders"]);
    let spoofed = preflight("/orders/7").header("X-Tokenlatch-User", "root");
    assert_eq!(spoofed.send(guard).status, 200);
    let head = seen.recv_timeout(PATIENCE).unwrap();
    assert_eq!(field(&head, "origin"), Some("https://shop.example"), "{head}");
    assert_eq!(field(&head, "x-tokenlatch-user"), None, "{head}");
    for refused in [
        preflight("/orders"),
        preflight("/orders/7/"),
        preflight("/ORDERS/7"),
        preflight("/orders/7?_method=DELETE"),
        preflight("/execute/Email/list_pops"),
        preflight("/orders/7").header("Cookie", "a=b"),
        preflight("/orders/7").header("X-HTTP-Method-Override", "DELETE"),
        preflight("/orders/7").header("Origin", "https://other.example"),
        preflight("/orders/7").authorization("cpanel alice:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        preflight("/orders/7").body("text/plain", "x"),
        Request::new("OPTIONS", "/orders/7").header("Origin", "https://shop.example"),
        Request::new("OPTIONS", "/orders/7"),
        Request::new("GET", "/orders/7")
            .header("Origin", "https://shop.example")
            .header("Access-Control-Request-Method", "DELETE"),
    ] {
        assert_eq!(refused.clone().send(guard).status, 401, "{refused:?}");
    }
    assert!(seen.try_recv().is_err());
    // With a token it is judged as any other request.
    assert_eq!(preflight("/orders/7").authorization(&orders).send(guard).status, 200);
    let head = seen.recv_timeout(PATIENCE).unwrap();
    assert_eq!(field(&head, "x-tokenlatch-user"), Some("alice"), "{head}");
    // `/auth` has no such rule.
    let asked = Request::new("GET", "/auth?module=Email&function=list_pops").header("X-Forwarded-Method", "OPTIONS");
    let asked = asked.header("Origin", "https://shop.example");
    let asked = asked.header("Access-Control-Request-Method", "DELETE");
    assert_eq!(asked.send(running.account).status, 401);
}

/// A certificate for localhost, as files; and an API that uses it.
fn tls_api(folder: &Path) -> u16 {
    let pair = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    std::fs::write(folder.join("ca.pem"), made.pem()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(made.pem().as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            std::thread::spawn(move || {
                while let Some(head) = read_head(&mut stream) {
                    drain(&head, &mut stream);
                    let upgrades = head.starts_with("GET /socket");
                    let answer = if upgrades { SWITCHING } else { OK };
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                    let mut byte = [0];
                    while upgrades && stream.read_exact(&mut byte).is_ok() {
                        stream.write_all(&byte).unwrap();
                    }
                }
            });
        }
    });
    port
}

#[test]
fn the_apis_certificate_must_be_of_its_host_and_of_a_trusted_ca() {
    let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let port = tls_api(folder.path());
    tls_api(other.path());
    let by = |host: &str, authorities: Option<&Path>| {
        let (running, guard) = guarded("127.0.0.1:1".parse().unwrap(), |config| {
            config.upstream = Some(format!("https://{host}:{port}").parse().unwrap());
            config.upstream_ca = authorities.map(|folder| folder.join("ca.pem"));
        });
        let full = running.full("alice", "full");
        let large = "x".repeat(1 << 20);
        let request = Request::new("POST", "/orders")
            .authorization(&full)
            .body("text/plain", &large);
        let answer = request.send(guard);
        (answer.status, running, guard, full)
    };
    let (found, running, guard, full) = by("localhost", Some(folder.path()));
    assert_eq!(found, 200);
    assert_eq!(
        running.get(&full, "/execute/Email/list_pops").body,
        "ok",
        "the other ports too"
    );
    let mut stream = upgraded(guard, &full);
    stream.write_all(b"hello").unwrap();
    assert_eq!(&read_exact::<5>(&mut stream), b"hello");
    for (host, authorities) in [
        ("localhost", Some(other.path())),
        ("localhost", None),
        ("127.0.0.1", Some(folder.path())),
    ] {
        assert_eq!(by(host, authorities).0, 502, "{host} {authorities:?}");
    }
}

fn read_exact<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn asking(authorization: &str, target: &str, upgrade: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n{upgrade}\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nX-Tokenlatch-User: root\r\n\r\n"
    )
}

const WEBSOCKET: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";

/// A connection that the API has upgraded.
fn upgraded(guard: SocketAddr, authorization: &str) -> TcpStream {
    let mut stream = open(guard, &asking(authorization, "/socket", WEBSOCKET));
    let head = read_head(&mut stream).unwrap();
    assert_eq!(status(&head), 101, "{head}");
    assert_eq!(field(&head, "upgrade"), Some("websocket"), "{head}");
    assert!(
        field(&head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("upgrade")),
        "{head}"
    );
    assert_eq!(field(&head, "sec-websocket-accept"), Some("x"), "{head}");
    assert_eq!(field(&head, "x-tokenlatch-user"), None, "{head}");
    stream
}

/// An API that upgrades `/socket` and sends back what it gets; it answers other requests.
fn echo_api() -> (SocketAddr, Receiver<String>) {
    api(|head, stream| {
        if !head.starts_with("GET /socket") || field(head, "upgrade").is_none() {
            return stream.write_all(OK.as_bytes()).is_ok();
        }
        stream.write_all(SWITCHING.as_bytes()).unwrap();
        let mut reader = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut reader, stream);
        false
    })
}

/// How long a connection stays open, at most ten seconds.
fn time_to_close(stream: &mut TcpStream) -> Duration {
    let started = Instant::now();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // A reset counts as a close too.
    match stream.read(&mut [0; 1]) {
        Ok(0) => started.elapsed(),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => started.elapsed(),
        other => panic!("it was not closed: {other:?}"),
    }
}

#[test]
fn a_websocket_is_closed_soon_after_its_token_is_revoked() {
    let (address, seen) = echo_api();
    let (running, guard) = guarded(address, |config| {
        config.limits.upgrade_check = Duration::from_millis(500)
    });
    let [orders, kept] = ["orders", "kept"].map(|name| running.limited("alice", name, &["orders"]));
    let full = running.full("alice", "full");
    for refused in [
        running.limited("alice", "other", &["popaccts"]),
        "cpanel alice:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    ] {
        let mut stream = open(guard, &asking(&refused, "/socket", WEBSOCKET));
        assert!(matches!(status(&read_head(&mut stream).unwrap()), 401 | 403));
    }
    assert!(seen.try_recv().is_err());
    let mut streams = [&orders, &kept].map(|token| upgraded(guard, token));
    let head = seen.recv_timeout(PATIENCE).unwrap();
    for (name, value) in [
        ("upgrade", Some("websocket")),
        ("connection", Some("upgrade")),
        ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZQ==")),
        ("x-tokenlatch-user", Some("alice")),
        ("authorization", None),
    ] {
        assert_eq!(field(&head, name), value, "{name}: {head}");
    }
    // Longer than the interval, and more than the buffers hold.
    let large = vec![7_u8; 4 << 20];
    for stream in &mut streams {
        std::thread::sleep(Duration::from_millis(700));
        let mut sending = stream.try_clone().unwrap();
        let bytes = large.clone();
        let sender = std::thread::spawn(move || sending.write_all(&bytes).unwrap());
        let mut echoed = vec![0; large.len()];
        stream.read_exact(&mut echoed).unwrap();
        sender.join().unwrap();
        assert_eq!(echoed, large);
    }
    let head = seen.recv_timeout(PATIENCE).unwrap();
    let id = field(&head, "x-tokenlatch-token-id").unwrap().to_owned();
    let used = running.block_on(async {
        running.state.verifier.flush_usage().await.unwrap();
        running.state.service.store().usage(&[id]).await.unwrap()
    });
    assert_eq!(used[0].uses, 1, "a connection that goes on is not another use");
    assert_eq!(
        running.get(&full, "/execute/Tokens/revoke?name=orders").json()["status"],
        1
    );
    let [mut first, mut second] = streams;
    let time = time_to_close(&mut first);
    assert!(time < Duration::from_secs(2), "{time:?}");
    second.write_all(b"still").unwrap();
    assert_eq!(&read_exact::<5>(&mut second), b"still");
}

#[test]
fn a_websocket_is_closed_when_no_verdict_can_be_had() {
    let (address, _seen) = echo_api();
    let (running, guard) = guarded(address, |config| {
        config.limits.upgrade_check = Duration::from_millis(300)
    });
    let orders = running.limited("alice", "orders", &["orders"]);
    let mut stream = upgraded(guard, &orders);
    // A clock before 2020 makes no verdict.
    running.clock.set(0);
    let time = time_to_close(&mut stream);
    assert!(time < Duration::from_secs(2), "{time:?}");
}

#[test]
fn bytes_that_come_with_the_head_and_half_closed_sides_are_kept() {
    let (address, _seen) = echo_api();
    let (running, guard) = guarded(address, |_| {});
    let orders = running.limited("alice", "orders", &["orders"]);
    let mut stream = open(guard, &format!("{}early", asking(&orders, "/socket", WEBSOCKET)));
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(
        reply.starts_with("HTTP/1.1 101 ") && reply.ends_with("\r\n\r\nearly"),
        "{reply}"
    );
}

#[test]
fn a_connection_under_tls_is_upgraded_after_other_requests() {
    let (address, seen) = echo_api();
    let folder = tempfile::tempdir().unwrap();
    let (running, guard) = guarded(address, |config| {
        config.tls = Tls::SelfSigned {
            folder: folder.path().to_owned(),
        };
    });
    let orders = running.limited("alice", "orders", &["orders"]);
    let mut stream = secured(guard, &folder.path().join(CERTIFICATE_FILE), &[]).unwrap();
    for target in ["/orders", "/orders?page=2"] {
        let get = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {orders}\r\n\r\n");
        stream.write_all(get.as_bytes()).unwrap();
        assert_eq!(status(&read_head(&mut stream).unwrap()), 200);
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"ok");
        let head = seen.recv_timeout(PATIENCE).unwrap();
        assert_eq!(field(&head, "x-forwarded-proto"), Some("https"), "{head}");
    }
    stream
        .write_all(asking(&orders, "/socket", WEBSOCKET).as_bytes())
        .unwrap();
    assert_eq!(status(&read_head(&mut stream).unwrap()), 101);
    let mut echoed = vec![0; 100_000];
    for byte in [1, 2, 3] {
        stream.write_all(&vec![byte; 100_000]).unwrap();
        stream.read_exact(&mut echoed).unwrap();
        assert!(echoed.iter().all(|echo| *echo == byte));
    }
    stream.conn.send_close_notify();
    assert_eq!(stream.read(&mut echoed).unwrap(), 0, "the end arrives at both sides");
}

#[test]
fn what_is_no_safe_upgrade_is_an_ordinary_request() {
    let (address, seen) = echo_api();
    let (running, guard) = guarded(address, |_| {});
    let orders = running.limited("alice", "orders", &["orders"]);
    for upgrade in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n",
        "Upgrade: websocket\r\n",
    ] {
        let mut stream = open(guard, &asking(&orders, "/socket", upgrade));
        let head = read_head(&mut stream).unwrap();
        assert_eq!(status(&head), 200, "{upgrade}{head}");
        let head = seen.recv_timeout(PATIENCE).unwrap();
        assert_eq!(
            (field(&head, "upgrade"), field(&head, "connection")),
            (None, None),
            "{head}"
        );
    }
    // An API that doesn't upgrade, and one that changes to another protocol than was asked for.
    let mut stream = open(guard, &asking(&orders, "/orders", WEBSOCKET));
    assert_eq!(status(&read_head(&mut stream).unwrap()), 200);
    assert_eq!(read_exact::<2>(&mut stream), *b"ok");
    stream
        .write_all(asking(&orders, "/orders", WEBSOCKET).as_bytes())
        .unwrap();
    assert_eq!(status(&read_head(&mut stream).unwrap()), 200, "the connection goes on");
    let other = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    let mut stream = open(guard, &asking(&orders, "/socket", other));
    assert_eq!(status(&read_head(&mut stream).unwrap()), 502);
}

#[test]
fn a_silent_api_ends_an_upgraded_connection_and_a_silent_client_does_not() {
    let (address, _seen) = echo_api();
    let (running, guard) = guarded(address, |config| {
        config.limits.body_stall = Duration::from_millis(200);
        config.limits.idle_time = Duration::from_millis(200);
        config.limits.upstream_stall = Duration::from_millis(1500);
    });
    let orders = running.limited("alice", "orders", &["orders"]);
    let mut stream = upgraded(guard, &orders);
    std::thread::sleep(Duration::from_millis(900));
    stream.write_all(b"hello").unwrap();
    assert_eq!(&read_exact::<5>(&mut stream), b"hello");
    let time = time_to_close(&mut stream);
    assert!(
        time > Duration::from_secs(1) && time < Duration::from_secs(4),
        "{time:?}"
    );
}

#[test]
fn upgraded_connections_and_silent_streams_make_room_for_others() {
    let (address, _seen) = api(|head, stream| {
        let answer = match head.starts_with("GET /socket") {
            true => SWITCHING,
            false => "HTTP/1.1 200 OK\r\n\r\nbegun",
        };
        stream.write_all(answer.as_bytes()).unwrap();
        let mut reader = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut reader, stream);
        false
    });
    let (running, guard) = guarded(address, |config| {
        config.limits.connections = 3;
        config.limits.connections_per_address = 3;
    });
    let orders = running.limited("alice", "orders", &["orders"]);
    let get = format!("GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: {orders}\r\n\r\n");
    let mut silent = open(guard, &get);
    assert_eq!(status(&read_head(&mut silent).unwrap()), 200);
    assert_eq!(&read_exact::<10>(&mut silent), b"5\r\nbegun\r\n");
    let mut streams: Vec<TcpStream> = (0..4)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(50));
            upgraded(guard, &orders)
        })
        .collect();
    for stream in [&mut silent, &mut streams[0]] {
        let time = time_to_close(stream);
        assert!(time < Duration::from_secs(2), "the longest silent made room: {time:?}");
    }
    for stream in &mut streams[1..] {
        stream.write_all(b"hello").unwrap();
        assert_eq!(&read_exact::<5>(stream), b"hello");
    }
}

#[test]
fn a_stop_waits_for_upgraded_connections_within_its_time_limit() {
    let (address, _seen) = echo_api();
    for ends in [true, false] {
        let mut stopping = crate::common::http::Running::with(
            |config| {
                config.guard_listen = Some("127.0.0.1:0".parse().unwrap());
                config.upstream = Some(format!("http://{address}").parse().unwrap());
                config.limits.stop_time = if ends { PATIENCE } else { Duration::from_millis(700) };
            },
            None,
        );
        let guard = stopping.guard.unwrap();
        let token = stopping.runtime.block_on(async {
            let state = &stopping.state;
            state.verifier.set_catalogue(Some(catalogue())).await.unwrap();
            let token = NewToken::new("alice", "first", Access::Full);
            state.service.create(token).await.unwrap().token.expose().to_owned()
        });
        let mut stream = upgraded(guard, &format!("cpanel alice:{token}"));
        let started = Instant::now();
        let task = stopping.stop();
        std::thread::sleep(Duration::from_millis(300));
        stream.write_all(b"hello").unwrap();
        assert_eq!(
            &read_exact::<5>(&mut stream),
            b"hello",
            "it goes on while the server stops"
        );
        if ends {
            drop(stream);
        }
        stopping.runtime.block_on(task).unwrap();
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    }
}

/// Time limits that would soon be exceeded on each side, if the other side's time counted.
fn short(config: &mut Config) {
    config.limits.upstream_time = Duration::from_millis(400);
    config.limits.handler_time = Duration::from_millis(400);
    config.limits.head_time = Duration::from_millis(400);
    config.limits.idle_time = Duration::from_millis(400);
}

#[test]
fn silent_event_streams_and_slow_uploads_go_on() {
    let (address, _seen) = api(|head, stream| {
        if head.starts_with("GET") {
            let begun = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n";
            stream.write_all(begun.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_secs(2));
            let _ = stream.write_all(b"data: two\n\n");
            return false;
        }
        assert_eq!(drain(head, stream), 10 << 10);
        stream.write_all(OK.as_bytes()).is_ok()
    });
    let (running, guard) = guarded(address, |config| {
        short(config);
        config.limits.body_stall = Duration::from_millis(600);
    });
    let orders = running.limited("alice", "orders", &["orders"]);
    let get = format!("GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: {orders}\r\nConnection: close\r\n\r\n");
    let mut events = open(guard, &get);
    let mut upload = open(
        guard,
        &get.replace("GET", "POST")
            .replace("\r\n\r\n", "\r\nContent-Length: 10240\r\n\r\n"),
    );
    let begun = Instant::now();
    let head = read_head(&mut events).unwrap();
    assert_eq!(field(&head, "content-type"), Some("text/event-stream"), "{head}");
    // The chunk of eleven bytes, with its size.
    assert_eq!(&read_exact::<16>(&mut events), b"B\r\ndata: one\n\n\r\n");
    assert!(
        begun.elapsed() < Duration::from_millis(1500),
        "the first event came at once"
    );
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(250));
        upload.write_all(&[b'x'; 1 << 10]).unwrap();
    }
    let mut reply = String::new();
    events.read_to_string(&mut reply).unwrap();
    assert!(
        reply.contains("data: two\n\n") && reply.ends_with("0\r\n\r\n"),
        "{reply}"
    );
    let mut reply = String::new();
    upload.read_to_string(&mut reply).unwrap();
    assert_eq!((status(&reply), body(&reply)), (200, "ok"), "{reply}");
}

/// What a thread has sent or read so far, once that has not grown for a while.
fn settled(count: &AtomicUsize) -> usize {
    let mut before = usize::MAX;
    loop {
        let now = count.load(Ordering::Relaxed);
        if now == before && now > 0 {
            return now;
        }
        before = now;
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_slow_side_slows_the_other_down() {
    const WHOLE: usize = 200 << 20;
    let sent = Arc::new(AtomicUsize::new(0));
    let (go_on, waits) = channel::<()>();
    let waits = Mutex::new(waits);
    let counting = Arc::clone(&sent);
    let (address, _seen) = api(move |head, stream| {
        if head.starts_with("POST") {
            // It reads nothing until it is told to.
            waits.lock().unwrap().recv().unwrap();
            assert_eq!(drain(head, stream), WHOLE);
            return stream.write_all(OK.as_bytes()).is_ok();
        }
        let head = match head.contains("upgrade") {
            true => SWITCHING.to_owned(),
            false => format!("HTTP/1.1 200 OK\r\nContent-Length: {WHOLE}\r\n\r\n"),
        };
        stream.write_all(head.as_bytes()).unwrap();
        for _ in 0..WHOLE / 65_536 {
            stream.write_all(&[b'x'; 65_536]).unwrap();
            counting.fetch_add(65_536, Ordering::Relaxed);
        }
        false
    });
    let (running, guard) = guarded(address, |config| config.limits.upstream_body_bytes = WHOLE);
    let orders = running.limited("alice", "orders", &["orders"]);
    let get = format!("GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: {orders}\r\nConnection: close\r\n\r\n");
    for head in [get.clone(), asking(&orders, "/socket", WEBSOCKET)] {
        sent.store(0, Ordering::Relaxed);
        let mut stream = open(guard, &head);
        let waiting = settled(&sent);
        assert!(
            waiting < IN_FLIGHT,
            "{waiting} bytes were taken from the API for a client that reads nothing"
        );
        read_head(&mut stream).unwrap();
        let read = std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
        assert_eq!(read, WHOLE as u64);
    }
    sent.store(0, Ordering::Relaxed);
    let length = format!("\r\nContent-Length: {WHOLE}\r\n\r\n");
    let mut stream = open(guard, &get.replace("GET", "POST").replace("\r\n\r\n", &length));
    let mut sending = stream.try_clone().unwrap();
    let counting = Arc::clone(&sent);
    let sender = std::thread::spawn(move || {
        for _ in 0..WHOLE / 65_536 {
            sending.write_all(&[b'x'; 65_536]).unwrap();
            counting.fetch_add(65_536, Ordering::Relaxed);
        }
    });
    let waiting = settled(&sent);
    assert!(
        waiting < IN_FLIGHT,
        "{waiting} bytes were taken from the client for an API that reads nothing"
    );
    go_on.send(()).unwrap();
    sender.join().unwrap();
    assert_eq!(status(&read_head(&mut stream).unwrap()), 200);
}

#[test]
fn an_edge_guards_routes_too() {
    let (address, seen) = echo_api();
    let running = Running::start();
    let full = running.full("alice", "full");
    let [orders, other] = ["orders", "popaccts"].map(|feature| running.limited("alice", feature, &[feature]));
    let options = FollowerOptions {
        catalogue: Some(catalogue()),
        clock: running.clock.clone(),
        ..FollowerOptions::new(vec![edges::key().public_key()])
    };
    let follower = Follower::new(&module(), options).unwrap();
    let mut config = Config::plain();
    config.guard_listen = Some(config.listen);
    config.upstream = Some(format!("http://{address}").parse().unwrap());
    config.limits.upgrade_check = Duration::from_millis(300);
    let origin = edges::Origin::new(&running.state.service, 60);
    let edge = running
        .block_on(EdgeServer::bind(config, follower.clone(), origin))
        .unwrap();
    let guard = edge.guard_address().unwrap();
    running.spawn(edge.run_until(std::future::pending::<()>(), std::future::pending::<()>()));
    running.block_on(until(&follower, &full, "ok"));
    let statuses = [&orders, &other, &String::new()].map(|token| call(guard, token, "GET", "/orders").status);
    assert_eq!(statuses, [200, 403, 401]);
    assert_eq!(call(guard, &full, "GET", "/health").status, 200);
    seen.recv_timeout(PATIENCE).unwrap();
    let head = seen.recv_timeout(PATIENCE).unwrap();
    assert!(
        head.starts_with("GET /health ") && field(&head, "x-tokenlatch-user") == Some("alice"),
        "{head}"
    );
    let mut stream = upgraded(guard, &orders);
    std::thread::sleep(Duration::from_millis(700));
    stream.write_all(b"hello").unwrap();
    assert_eq!(&read_exact::<5>(&mut stream), b"hello");
    assert_eq!(
        running.get(&full, "/execute/Tokens/revoke?name=orders").json()["status"],
        1
    );
    let time = time_to_close(&mut stream);
    assert!(time < Duration::from_secs(5), "{time:?}");
}

#[test]
fn the_listeners_configuration_is_checked() {
    let code = |tell: &dyn Fn(&mut Config)| {
        let mut config = Config::plain();
        config.guard_listen = Some(config.listen);
        config.upstream = Some("http://127.0.0.1:1".parse().unwrap());
        tell(&mut config);
        config.check().err().map(|error| error.code())
    };
    assert_eq!(code(&|_| {}), None);
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    assert_eq!(
        code(&|config| config.guard_listen = Some(everywhere)),
        Some("plain_not_loopback")
    );
    assert_eq!(code(&|config| config.upstream = None), Some("guard_without_upstream"));
    for path in ["orders", "/{*rest}", "/a//b"] {
        let wrong = |config: &mut Config| config.preflight_paths = vec![path.to_owned()];
        assert_eq!(code(&wrong), Some("preflight_invalid"), "{path}");
    }
    let running = Running::start();
    let bind = |tell: &dyn Fn(&mut Config)| {
        let mut config = Config::plain();
        tell(&mut config);
        let bound = running.block_on(Server::bind(config, running.state.service.clone()));
        bound.err().map(|error| error.code())
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    for (url, content, expected) in [
        ("ftp://localhost", None, "upstream_invalid"),
        ("http://localhost", Some("x"), "upstream_invalid"),
        ("https://localhost", Some("no certificate"), "certificate_invalid"),
        ("https://localhost?x", None, "upstream_invalid"),
    ] {
        std::fs::write(&file, content.unwrap_or_default()).unwrap();
        let found = bind(&|config| {
            config.upstream = Some(url.parse().unwrap());
            config.upstream_ca = content.map(|_| file.clone());
        });
        assert_eq!(found, Some(expected), "{url} {content:?}");
    }
}
