//! Strict HTTP/1 framing, tested with raw sockets (RULES.md, 8).

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::common::http::{Running, connect, field, read_all, status, statuses};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use axum::routing::any;

/// A server that answers with the request that reached its handler.
fn echo() -> Running {
    let echo = |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let authorizations = headers.get_all("authorization").iter().count();
        format!("{method} {uri} {authorizations} {}\n", String::from_utf8_lossy(&body))
    };
    Running::with(|_| {}, Some(Router::new().fallback(any(echo))))
}

/// A request with these additional lines.
fn get(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n").into_bytes()
}

#[test]
fn health_is_answered() {
    let server = Running::start();
    let reply = server.send(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&reply), 200, "{reply}");
    assert!(reply.ends_with(r#"{"status":"ok"}"#), "{reply}");
    assert_eq!(field(&reply, "x-content-type-options"), Some("nosniff"));
    assert_eq!(field(&reply, "cache-control"), Some("no-store"));
    assert_eq!(field(&reply, "strict-transport-security"), None, "only over TLS");
    assert!(
        field(&reply, "x-request-id").is_some_and(|id| id.len() >= 18),
        "{reply}"
    );
    let ready = server.send(b"GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&ready), 200, "{ready}");
}

#[test]
fn http_1_0_needs_no_host() {
    let server = Running::start();
    for (request, expected) in [
        // The default checks of HAProxy, and those of scripts.
        ("OPTIONS /health HTTP/1.0\r\n\r\n", 405),
        ("GET /health HTTP/1.0\r\n\r\n", 200),
        ("HEAD /health HTTP/1.0\r\n\r\n", 200),
        ("GET /ready HTTP/1.0\r\n\r\n", 200),
        ("GET /auth HTTP/1.0\r\n\r\n", 401),
        ("GET /execute/Tokens/list HTTP/1.0\r\n\r\n", 401),
        // Browsers send the host, and the web interface answers only to its own names.
        ("GET /login HTTP/1.0\r\n\r\n", 421),
        ("GET http://a/health HTTP/1.0\r\n\r\n", 400),
    ] {
        // The server closes the connection.
        let reply = server.send(request.as_bytes()).replacen("HTTP/1.0", "HTTP/1.1", 1);
        assert_eq!(status(&reply), expected, "{request:?} {reply}");
    }
    let kept = server.send(b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /health HTTP/1.0\r\n\r\n");
    assert_eq!(kept.matches(r#"{"status":"ok"}"#).count(), 2, "{kept}");
}

#[test]
fn hostile_heads_are_refused_and_the_connection_ends() {
    let server = echo();
    let cases: &[(&[u8], u16, &str)] = &[
        // Line ends.
        (b"GET / HTTP/1.1\nHost: a\n\n", 400, "line_end_invalid"),
        (b"GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", 400, "line_end_invalid"),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n",
            400,
            "line_end_invalid",
        ),
        (b"\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "line_end_invalid"),
        (
            b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            400,
            "request_line_invalid",
        ),
        // Bytes.
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400, "control_byte"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[31m\r\n\r\n", 400, "control_byte"),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nX\xff: 1\r\n\r\n",
            400,
            "field_name_invalid",
        ),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request_line_invalid"),
        (b"GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request_line_invalid"),
        // Fields.
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
            400,
            "field_folded",
        ),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400, "field_name_invalid"),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            400,
            "field_name_invalid",
        ),
        // Host.
        (b"GET / HTTP/1.1\r\n\r\n", 400, "host_missing"),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400, "host_repeated"),
        (b"GET / HTTP/1.0\r\nHost: \r\n\r\n", 400, "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "host_repeated"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", 400, "host_repeated"),
        (b"GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n", 400, "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "host_invalid"),
        // Framing.
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "framing_ambiguous",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            400,
            "length_invalid",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            400,
            "length_invalid",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
            400,
            "length_invalid",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 \x0b\r\n\r\nhello",
            400,
            "control_byte",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "encoding_invalid",
        ),
        (
            b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "encoding_invalid",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
            501,
            "encoding_unsupported",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
            501,
            "encoding_unsupported",
        ),
        // Lines and versions.
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request_line_invalid"),
        (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "request_line_invalid"),
        (b"GET /\r\n\r\n", 400, "request_line_invalid"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_unsupported"),
        (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505, "version_unsupported"),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            400,
            "request_line_invalid",
        ),
    ];
    for (bytes, expected, code) in cases {
        let reply = server.send(bytes);
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(status(&reply), *expected, "{text:?}: {reply}");
        assert!(reply.contains(&format!(r#""code":"{code}""#)), "{text:?}: {reply}");
        assert_eq!(
            field(&reply, "content-type"),
            Some("application/problem+json"),
            "{text:?}"
        );
        assert_eq!(field(&reply, "connection"), Some("close"), "{text:?}");
        assert_eq!(statuses(&reply).len(), 1, "{text:?}");
    }
}

#[test]
fn targets_methods_and_expectations_are_checked() {
    let server = echo();
    let cases: &[(&str, u16)] = &[
        ("GET /../etc HTTP/1.1\r\nHost: a", 400),
        ("GET /a/%2e%2e/b HTTP/1.1\r\nHost: a", 400),
        ("GET /a%2fb HTTP/1.1\r\nHost: a", 400),
        ("GET /a%5cb HTTP/1.1\r\nHost: a", 400),
        ("GET /a\\b HTTP/1.1\r\nHost: a", 400),
        ("GET //a HTTP/1.1\r\nHost: a", 400),
        ("GET /a%00 HTTP/1.1\r\nHost: a", 400),
        ("GET /a%zz HTTP/1.1\r\nHost: a", 400),
        ("GET /a%ff HTTP/1.1\r\nHost: a", 400),
        ("GET /a#b HTTP/1.1\r\nHost: a", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: a", 400),
        ("GET a HTTP/1.1\r\nHost: a", 400),
        ("GET http://b/ HTTP/1.1\r\nHost: a", 400),
        ("GET http://a/x HTTP/1.1\r\nHost: a", 200),
        ("TRACE / HTTP/1.1\r\nHost: a", 405),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1", 405),
        ("POST / HTTP/1.1\r\nContent-Length: 0\r\nExpect: more\r\nHost: a", 417),
    ];
    for (head, expected) in cases {
        let reply = server.send(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(status(&reply), *expected, "{head:?}: {reply}");
        if *expected == 405 {
            assert_eq!(field(&reply, "allow"), Some("GET, POST"), "{head}");
        }
    }
    let absolute = server.send(b"GET http://A/x?y=%20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(absolute.contains("GET /x?y=%20 0"), "{absolute}");
}

#[test]
fn sizes_are_limited() {
    let server = echo();
    let field_of = |bytes: usize| get(&format!("X: {}\r\n", "a".repeat(bytes)));
    assert_eq!(status(&server.send(&field_of(23 << 10))), 200);
    assert_eq!(status(&server.send(&field_of(25 << 10))), 431);
    assert_eq!(status(&server.send(&field_of(64 << 10))), 431);
    assert_eq!(status(&server.send(&field_of(1 << 20))), 431);
    let fields = |number: usize| get(&"X: 1\r\n".repeat(number));
    assert_eq!(status(&server.send(&fields(98))), 200);
    assert_eq!(
        status(&server.send(&fields(99))),
        431,
        "101 with the two of the request itself"
    );
    let target = |bytes: usize| {
        let path = "a".repeat(bytes);
        format!("GET /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").into_bytes()
    };
    assert_eq!(status(&server.send(&target(16_000))), 200);
    assert_eq!(status(&server.send(&target(16_400))), 414);
    assert_eq!(status(&server.send(&target(64 << 10))), 414);
}

#[test]
fn a_byte_0xff_in_a_value_reaches_the_handler() {
    let server = echo();
    let mut request = get("");
    let end = request.len() - 2;
    request.splice(end.., b"Authorization: \xff\r\n\r\n".iter().copied());
    assert!(server.send(&request).contains("GET / 1 "));
}

#[test]
fn repeated_authorizations_are_not_merged() {
    let server = echo();
    let reply = server.send(&get("Authorization: a\r\nAuthorization: a\r\n"));
    assert!(reply.contains("GET / 2 "), "{reply}");
}

#[test]
fn pipelined_requests_are_answered_up_to_an_invalid_one() {
    let server = echo();
    let good = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let body = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 31\r\n\r\nGET /x HTTP/1.1\r\nHost: evil\r\n\r\n";
    let body = body.replace("31", &"GET /x HTTP/1.1\r\nHost: evil\r\n\r\n".len().to_string());
    let bad = "GET /3 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    let replies = server.send(format!("{good}{body}{bad}{good}").as_bytes());
    assert_eq!(statuses(&replies), [200, 200, 400], "{replies}");
    assert!(
        replies.contains("POST /2 0 GET /x HTTP/1.1"),
        "the body stayed a body: {replies}"
    );
    assert!(!replies.contains("GET /x 0"), "{replies}");
    // The same, one byte at a time.
    let mut slow = server.connect();
    for byte in format!("{good}{body}{bad}").as_bytes() {
        slow.write_all(&[*byte]).unwrap();
    }
    assert_eq!(statuses(&read_all(&mut slow)), [200, 200, 400]);
}

#[test]
fn one_empty_line_before_a_request_is_ignored() {
    let server = echo();
    let replies = server
        .send(b"\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(statuses(&replies), [200, 200], "{replies}");
}

#[test]
fn the_connection_ends_after_a_chunked_body() {
    let server = echo();
    let chunked = "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let replies = server.send(format!("{chunked}GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    assert_eq!(statuses(&replies), [200], "{replies}");
    assert!(replies.contains("POST /1 0 hello"), "{replies}");
    assert_eq!(field(&replies, "connection"), Some("close"));
    for broken in [
        "5\nhello\r\n0\r\n\r\n",
        "z\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "fffffffffffffffff\r\n",
    ] {
        let request = format!("POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{broken}");
        let reply = server.send(request.as_bytes());
        assert_eq!(status(&reply), 400, "{broken:?}: {reply}");
    }
}

#[test]
fn handler_panic_is_answered_500_without_its_message() {
    let routes = Router::new()
        .route(
            "/broken",
            any(|| async {
                if true {
                    panic!("SECRETWORDS")
                }
            }),
        )
        .route("/", any(|| async { "fine" }));
    let server = Running::with(|_| {}, Some(routes));
    let replies =
        server.send(b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(statuses(&replies), [500, 200], "{replies}");
    assert!(!replies.contains("SECRETWORDS"));
}

#[test]
fn fields_with_an_underscore_are_dropped() {
    let names = |headers: HeaderMap| async move {
        let names: Vec<_> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.join(",")
    };
    let server = Running::with(|_| {}, Some(Router::new().fallback(any(names))));
    let reply = server.send(&get("X_Tokenlatch_User: root\r\nX-Kept: 1\r\n"));
    assert!(reply.ends_with("host,connection,x-kept"), "{reply}");
}

#[test]
fn random_bytes_never_break_the_server() {
    let server = echo();
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let seeds = [
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ];
    for round in 0..300 {
        let mut bytes = seeds[round % seeds.len()].as_bytes().to_vec();
        for _ in 0..=(random() % 4) {
            let at = usize::try_from(random()).unwrap() % bytes.len();
            match random() % 3 {
                0 => bytes[at] = random().to_le_bytes()[0],
                1 => bytes.insert(at, b"\r\n \0:\xff"[usize::try_from(random() % 6).unwrap()]),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        let mut stream = connect(server.account);
        stream.write_all(&bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        assert!(
            reply.is_empty() || reply.starts_with(b"HTTP/1.1 "),
            "{:?}",
            String::from_utf8_lossy(&reply)
        );
        assert!(
            !reply.starts_with(b"HTTP/1.1 500"),
            "{:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
    assert_eq!(status(&server.send(&get(""))), 200);
}

#[test]
fn half_closed_request_is_still_answered() {
    let server = echo();
    let mut stream = server.connect();
    let started = Instant::now();
    stream.write_all(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(read_all(&mut stream).contains("GET /half 0"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn every_target_byte_is_passed_on_or_refused() {
    let server = echo();
    for byte in 0x21..0x7f_u8 {
        for target in ["/a?b", "/a?x=b"] {
            let target = if target == "/a?b" {
                format!("/a{}b", char::from(byte))
            } else {
                format!("/a?x={}b", char::from(byte))
            };
            let reply =
                server.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
            match status(&reply) {
                200 => assert!(reply.contains(&format!("GET {target} 0")), "{target}: {reply}"),
                400 => assert_eq!(
                    field(&reply, "content-type"),
                    Some("application/problem+json"),
                    "{target}"
                ),
                other => panic!("{target}: {other}"),
            }
        }
    }
}

#[test]
fn unread_input_does_not_lose_the_reply() {
    let server = echo();
    for _ in 0..20 {
        let mut bytes = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_vec();
        bytes.extend(b"GET /more HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20_000));
        assert_eq!(statuses(&server.send(&bytes)), [200]);
    }
}
