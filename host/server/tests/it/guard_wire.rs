//! The guard's two connections, byte by byte: what reaches the API, and what the API's bytes become.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::common::http::{connect, field, status};
use crate::common::served::{Request, Running};
use crate::raw_api::{Then, answering, body, guarded};

const LIST: &str = "GET /execute/Email/list_pops";
const UPLOAD: &str = "POST /execute/Fileman/upload_files";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn fields_of_one_connection_end_at_the_guard() {
    let api = answering(
        "HTTP/1.1 200 OK\r\nConnection: x-named, keep-alive\r\nConnection: X-Other\r\nX-Named: 1\r\nX-Other: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\n\
         Proxy-Authentication-Info: x\r\nUpgrade: h2c\r\nTE: trailers\r\nTrailer: x-late\r\nX-Kept: 1\r\n\
         Content-Length: 2\r\n\r\nok",
        Then::Stays,
    );
    let fields = "Connection: close, x-named,content-length , host, content-type, content-encoding, TE\r\nConnection: X-Other\r\nX-Named: 1\r\nX-Other: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nProxy-Authorization: Basic eDp5\r\nUpgrade: h2c\r\n\
         TE: trailers\r\nTrailer: x-late\r\nX-Kept: 1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";
    let reply = String::from_utf8(api.send(UPLOAD, fields.as_bytes())).unwrap();
    let seen = api.text();
    for (message, framed) in [(&reply, "2"), (&seen, "2")] {
        for name in [
            "x-named",
            "x-other",
            "keep-alive",
            "proxy-connection",
            "proxy-authenticate",
            "proxy-authentication-info",
            "proxy-authorization",
            "upgrade",
            "te",
            "trailer",
            "transfer-encoding",
        ] {
            assert_eq!(field(message, name), None, "{name}: {message}");
        }
        assert_eq!(field(message, "x-kept"), Some("1"), "{message}");
        assert_eq!(field(message, "content-length"), Some(framed), "{message}");
    }
    assert_eq!(field(&seen, "content-type"), Some("text/plain"), "{seen}");
    assert_eq!(field(&seen, "connection"), None, "{seen}");
    assert_eq!(field(&reply, "connection"), Some("close"), "{reply}");
    let host = field(&seen, "host").unwrap();
    assert!(host.starts_with("127.0.0.1:"), "{seen}");
    assert_eq!((body(&seen), body(&reply)), ("hi", "ok"));
}

#[test]
fn a_connection_field_of_any_bytes_names_fields() {
    let api = answering(OK, Then::Stays);
    let fields = b"Connection: \xff, x-named, close\r\nX-Named: 1\r\nX-Kept: 1\r\n\r\n";
    assert!(api.send(LIST, fields).starts_with(b"HTTP/1.1 200 "));
    let seen = api.text();
    assert_eq!(
        (field(&seen, "x-named"), field(&seen, "x-kept")),
        (None, Some("1")),
        "{seen}"
    );
}

#[test]
fn trailers_carry_nothing_through_the_guard() {
    let api = answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Tokenlatch-User, Set-Cookie\r\n\r\n\
         2\r\nok\r\n0\r\nX-Tokenlatch-User: root\r\nSet-Cookie: cpsession=x\r\n\r\n",
        Then::Closes,
    );
    let chunked = "Transfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-Tokenlatch-User, Authorization\r\n\r\n\
         2\r\nhi\r\n0\r\nX-Tokenlatch-User: root\r\nAuthorization: x\r\n\r\n";
    let reply = String::from_utf8(api.send(UPLOAD, chunked.as_bytes())).unwrap();
    assert_eq!(status(&reply), 200, "{reply}");
    assert!(!reply.contains("root") && !reply.contains("cpsession"), "{reply}");
    assert_eq!(body(&reply), "2\r\nok\r\n0\r\n\r\n");
    let seen = api.text();
    assert_eq!(field(&seen, "x-tokenlatch-user"), Some("alice"));
    assert_eq!(body(&seen), "2\r\nhi\r\n0\r\n\r\n", "{seen}");
}

#[test]
fn an_expectation_is_met_by_the_guard() {
    let api = answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        Then::Stays,
    );
    let request = Request::new("POST", "/execute/Fileman/upload_files").authorization(&api.alice);
    let held = request.body("text/plain", "hello").hold(api.running.account);
    let answer = held.finish();
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    let seen = api.text();
    assert_eq!((field(&seen, "expect"), body(&seen)), (None, "hello"), "{seen}");
}

#[test]
fn an_early_answer_arrives_while_the_client_still_sends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let running = Running::with(|config| config.upstream = Some(format!("http://{address}").parse().unwrap()));
    let alice = running.full("alice", "first");
    let answering = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut byte = [0];
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream
            .write_all(b"HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nbusy")
            .unwrap();
        stream
    });
    let mut stream = connect(running.account);
    let head = format!(
        "{UPLOAD} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {alice}\r\nContent-Length: 10000000\r\n\r\nbegun"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    let reply = String::from_utf8(reply).unwrap();
    assert_eq!((status(&reply), body(&reply)), (409, "busy"), "{reply}");
    assert_eq!(field(&reply, "connection"), Some("close"), "{reply}");
    drop(answering.join().unwrap());
}

#[test]
fn a_connection_to_the_api_is_reused_until_the_api_closes_it() {
    let api = answering(OK, Then::Stays);
    for _ in 0..5 {
        assert_eq!(status(&api.get(LIST)), 200);
        assert_eq!(
            status(&String::from_utf8(api.send(UPLOAD, b"Content-Length: 2\r\nConnection: close\r\n\r\nhi")).unwrap()),
            200
        );
    }
    let connections: Vec<usize> = api.seen.try_iter().map(|(connection, _)| connection).collect();
    assert_eq!(connections, [0; 10]);
    // It closes each connection after its answer, and does not say so.
    let api = answering(OK, Then::Closes);
    for _ in 0..10 {
        assert_eq!(status(&api.get(LIST)), 200);
        std::thread::sleep(Duration::from_millis(20));
    }
    let connections: Vec<usize> = api.seen.try_iter().map(|(connection, _)| connection).collect();
    assert_eq!(connections, (0..10).collect::<Vec<_>>());
}

/// Many functions that write are called by GET.
#[test]
fn a_request_that_was_sent_is_not_sent_again() {
    let api = guarded(
        |_, _| {},
        |_, number| match number {
            1 => (OK.as_bytes().to_vec(), Then::Stays),
            _ => (Vec::new(), Then::Closes),
        },
    );
    assert_eq!(status(&api.get(LIST)), 200);
    let reply = api.get(LIST);
    assert!(
        reply.starts_with("HTTP/1.1 502 ") && reply.contains("upstream_unreachable"),
        "{reply}"
    );
    assert_eq!(api.seen.try_iter().count(), 2);
    assert_eq!(status(&api.get(LIST)), 200, "the next request gets a new connection");
}

#[test]
fn bytes_after_an_answer_are_discarded() {
    let api = answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        Then::Stays,
    );
    for _ in 0..20 {
        let reply = api.get(LIST);
        assert_eq!((status(&reply), body(&reply)), (200, "ok"), "{reply}");
    }
    // The same, with bytes that arrive after the answer.
    let api = guarded(
        |_, _| {},
        |_, number| match number {
            1 => (OK.as_bytes().to_vec(), Then::Stays),
            _ => (OK.replace("ok", "no").into_bytes(), Then::Closes),
        },
    );
    assert_eq!(body(&api.get(LIST)), "ok");
    assert_eq!(body(&api.get(LIST)), "no", "it is the answer to the second request");
}

#[test]
fn an_answer_that_ends_early_is_not_taken_for_complete() {
    for cut in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbegun",
    ] {
        let api = answering(cut, Then::Closes);
        let reply = api.get(LIST);
        // The connection may end before the head is written.
        match field(&reply, "content-length") {
            Some(length) => assert_eq!((status(&reply), length, body(&reply)), (200, "9", "begun"), "{reply}"),
            None => assert!(!reply.ends_with("0\r\n\r\n"), "{reply}"),
        }
    }
}

#[test]
fn an_answer_without_a_length_ends_with_its_connection() {
    for version in ["1.0", "1.1"] {
        let api = guarded(
            |_, _| {},
            move |_, _| {
                let bytes = format!("HTTP/{version} 200 Fine\r\nX-Kept: 1\r\n\r\nall of it");
                (bytes.into_bytes(), Then::Closes)
            },
        );
        let reply = api.get(LIST);
        assert_eq!((status(&reply), field(&reply, "x-kept")), (200, Some("1")), "{reply}");
        assert_eq!(body(&reply), "9\r\nall of it\r\n0\r\n\r\n", "{reply}");
    }
}

#[test]
fn an_answer_with_two_framings_gets_one() {
    let api = answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        Then::Closes,
    );
    let reply = api.get(LIST);
    assert_eq!(
        (status(&reply), field(&reply, "content-length")),
        (200, None),
        "{reply}"
    );
    assert_eq!(body(&reply), "2\r\nok\r\n0\r\n\r\n", "{reply}");
}

#[test]
fn values_pass_byte_for_byte_and_lines_stay_apart() {
    let odd: &[u8] = b"\xe4 \xff\x80 \"\\,;=\t~'";
    let api = guarded(
        |_, _| {},
        move |_, _| {
            let head = b"HTTP/1.1 200 OK\r\nX-Odd: \xe4 \xff\x80 \"\\,;=\t~'\r\nX-Two: b\r\nX-Two: a\r\nX-Empty:\r\n";
            ([head.as_slice(), b"Content-Length: 2\r\n\r\nok"].concat(), Then::Stays)
        },
    );
    let fields = [
        b"Connection: close\r\nX-Odd: ".as_slice(),
        odd,
        b"\r\nX-Two: b\r\nX-Two: a\r\nX-Empty:\r\n\r\n",
    ];
    let reply = api.send(LIST, &fields.concat());
    for message in [reply, api.request()] {
        let lines: Vec<&[u8]> = message.split(|byte| *byte == b'\n').collect();
        let text = String::from_utf8_lossy(&message);
        assert!(lines.contains(&[b"x-odd: ", odd, b"\r"].concat().as_slice()), "{text}");
        let two: Vec<&&[u8]> = lines.iter().filter(|line| line.starts_with(b"x-two:")).collect();
        assert_eq!(two, [b"x-two: b\r", b"x-two: a\r"], "{text}");
        assert_eq!(field(&text, "x-empty"), Some(""), "{text}");
    }
}

#[test]
fn the_target_is_appended_to_the_apis_path_as_it_is() {
    let query = "?a=%2f%2F%5C%00&%c3%A4=+%20;&&c=?/:@!$'()*,~";
    for (base, put_before) in [("", ""), ("/", ""), ("/base", "/base"), ("/a%2fb/", "/a%2fb")] {
        let api = guarded(
            |config, address| config.upstream = Some(format!("http://{address}{base}").parse().unwrap()),
            |_, _| (OK.as_bytes().to_vec(), Then::Stays),
        );
        for query in ["", "?", query] {
            assert_eq!(status(&api.get(&format!("{LIST}{query}"))), 200, "{query}");
            let seen = api.text();
            let line = format!("GET {put_before}/execute/Email/list_pops{query} HTTP/1.1\r\n");
            assert!(seen.starts_with(&line), "{line}: {seen}");
        }
    }
}

#[test]
fn answers_without_a_body_keep_their_length_and_their_connection() {
    let api = guarded(
        |_, _| {},
        |request, _| {
            let status = match request {
                [b'H', ..] => "200 OK\r\nContent-Length: 12345",
                request if request.windows(4).any(|part| part == b"n=20") => "204 No Content",
                _ => "304 Not Modified\r\nContent-Length: 12345\r\nETag: \"x\"",
            };
            (format!("HTTP/1.1 {status}\r\n\r\n").into_bytes(), Then::Stays)
        },
    );
    for _ in 0..2 {
        let reply = api.get("HEAD /execute/Email/list_pops");
        assert_eq!((status(&reply), body(&reply)), (200, ""), "{reply}");
        assert_eq!(field(&reply, "content-length"), Some("12345"), "{reply}");
        let reply = api.get(&format!("{LIST}?n=20"));
        assert_eq!((status(&reply), body(&reply)), (204, ""), "{reply}");
        let reply = api.get(LIST);
        assert_eq!((status(&reply), body(&reply)), (304, ""), "{reply}");
        assert_eq!(field(&reply, "etag"), Some("\"x\""), "{reply}");
    }
    assert!(api.seen.try_iter().all(|(connection, _)| connection == 0));
}

#[test]
fn each_request_is_framed_once_and_by_what_its_body_is() {
    let api = answering(OK, Then::Stays);
    let inner = "GET /execute/Email/delete_pop HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = format!(
        "Connection: close, content-length\r\nContent-Length: {}\r\n\r\n{inner}",
        inner.len()
    );
    let chunked = format!(
        "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{inner}\r\n0\r\n\r\n",
        inner.len()
    );
    let named = format!("Connection: transfer-encoding\r\n{chunked}");
    for (line, rest, framing, sent) in [
        (UPLOAD, &length, ("content-length", inner.len().to_string()), inner),
        (
            UPLOAD,
            &chunked,
            ("transfer-encoding", "chunked".to_owned()),
            body(&chunked),
        ),
        (
            UPLOAD,
            &named,
            ("transfer-encoding", "chunked".to_owned()),
            body(&chunked),
        ),
        (
            UPLOAD,
            &"Connection: close\r\nContent-Length: 0\r\n\r\n".to_owned(),
            ("content-length", "0".to_owned()),
            "",
        ),
    ] {
        let reply = String::from_utf8(api.send(line, rest.as_bytes())).unwrap();
        assert_eq!(status(&reply), 200, "{reply}");
        let seen = api.text();
        let framings =
            ["content-length", "transfer-encoding"].map(|name| field(&seen, name).map(|value| (name, value)));
        let framings: Vec<_> = framings.into_iter().flatten().collect();
        assert_eq!(framings, [(framing.0, framing.1.as_str())], "{seen}");
        assert_eq!(body(&seen), sent, "{seen}");
    }
    assert!(api.seen.try_recv().is_err(), "one request is one request");
    // Some servers ignore the body of a GET, and would take it for another request on the connection.
    for rest in [&length, &chunked] {
        let reply = String::from_utf8(api.send(LIST, rest.as_bytes())).unwrap();
        assert!(status(&reply) == 400 && reply.contains("body_unexpected"), "{reply}");
    }
    assert!(api.seen.try_recv().is_err(), "nothing of it was forwarded");
    assert!(
        api.send(LIST, b"Connection: close\r\n\r\n")
            .starts_with(b"HTTP/1.1 200 ")
    );
    let seen = api.text();
    assert_eq!(
        (field(&seen, "content-length"), field(&seen, "transfer-encoding")),
        (None, None)
    );
}

#[test]
fn a_body_over_the_limit_is_refused_wherever_it_turns_out() {
    let api = guarded(
        |config, _| config.limits.upstream_body_bytes = 1 << 20,
        |_, _| (OK.as_bytes().to_vec(), Then::Stays),
    );
    let chunked = |size: usize| {
        let sent = format!(
            "Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{}\r\n0\r\n\r\n",
            "x".repeat(size)
        );
        String::from_utf8(api.send(UPLOAD, sent.as_bytes())).unwrap()
    };
    assert_eq!(status(&chunked(1 << 20)), 200);
    let reply = chunked((1 << 20) + 1);
    assert!(status(&reply) == 413 && reply.contains("body_too_large"), "{reply}");
    let declared = String::from_utf8(api.send(UPLOAD, b"Content-Length: 1048577\r\n\r\n")).unwrap();
    assert!(
        status(&declared) == 413 && declared.contains("body_too_large"),
        "{declared}"
    );
    assert_eq!(
        api.seen.try_iter().count(),
        1,
        "nothing cut off arrives as a whole request"
    );
}

#[test]
fn invalid_answers_become_502() {
    let too_long = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(1 << 20));
    let too_many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-One: 1\r\n".repeat(200));
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nBad Field: x\r\n\r\n",
        &too_long,
        &too_many,
    ] {
        let bytes = bytes.to_owned();
        let begin = bytes.chars().take(60).collect::<String>();
        let api = guarded(|_, _| {}, move |_, _| (bytes.clone().into_bytes(), Then::Closes));
        let reply = api.get(LIST);
        assert!(
            reply.starts_with("HTTP/1.1 502 ") && reply.contains("upstream_unreachable"),
            "{begin}: {reply}"
        );
        assert!(!reply.contains("X-One") && !reply.contains("SSH"), "{reply}");
    }
}
