//! Bytes of a connection, in pieces: every request that hyper hands on is the next one of the plain reading of these bytes,
//! with the same method, target, fields and body; nothing follows a refusal or a chunked body; and each gets one reply.
#![no_main]
#![allow(dead_code, reason = "the target doesn't use all of the modules")]

#[path = "../../../host/server/src/http1/mod.rs"]
mod http1;
#[path = "../../../host/server/src/problem.rs"]
mod problem;

/// A connection that keeps its place.
mod connections {
    #[derive(Debug)]
    pub(crate) struct Seat;

    impl Seat {
        pub(crate) fn waits(&self) {}

        pub(crate) fn works(&self) -> bool {
            true
        }
    }
}

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;
use tokenlatch_core::is_sound_path;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Runtime;

use connections::Seat;
use http1::limits::HttpLimits;
use http1::request_check;
use http1::wire::Wire;

/// The client's bytes, in pieces of one size, and the bytes sent back.
struct Client {
    text: Vec<u8>,
    read: usize,
    piece: usize,
    replies: Rc<RefCell<Vec<u8>>>,
}

impl AsyncRead for Client {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let end = self.text.len().min(self.read + self.piece.min(out.remaining()));
        out.put_slice(&self.text[self.read..end]);
        self.read = end;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.replies.borrow_mut().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A request as hyper hands it on.
struct Seen {
    method: String,
    target: String,
    headers: HeaderMap,
    /// `None` if it breaks off or its chunks are wrong.
    body: Option<Bytes>,
    refused: bool,
}

thread_local! {
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
}

fuzz_target!(|data: &[u8]| {
    let [piece, text @ ..] = data else {
        return;
    };
    let replies = Rc::default();
    let seen = serve(text, 1 + usize::from(*piece) * 4, &replies);
    let replies = replies.borrow();
    let statuses = replies
        .windows(9)
        .filter(|nine| *nine == b"HTTP/1.1 " || *nine == b"HTTP/1.0 ")
        .count();
    // The library refuses some by itself (an odd absolute target, too long a chunk line), and then ends the connection.
    assert!(
        (seen.len()..=seen.len() + 1).contains(&statuses),
        "{statuses} replies to {} requests",
        seen.len()
    );

    let mut rest = text;
    let mut ended = false;
    for request in &seen {
        assert!(!ended, "a request after a refusal or a chunked body");
        if request.refused {
            ended = true;
            continue;
        }
        rest = rest.strip_prefix(b"\r\n").unwrap_or(rest);
        let end = rest
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head has an end")
            + 4;
        let (head, after) = rest.split_at(end);
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut read = httparse::Request::new(&mut fields);
        assert!(read.parse(head).is_ok_and(|status| status.is_complete()));
        assert_eq!(read.method, Some(request.method.as_str()));
        assert_eq!(read.path.map(slashed), Some(slashed(&request.target)));
        assert_eq!(read.headers.len(), request.headers.len());
        for field in read.headers.iter() {
            let mut values = request.headers.get_all(field.name).iter();
            assert!(
                values.any(|value| value.as_bytes() == field.value),
                "a field was changed"
            );
        }
        let length = request
            .headers
            .get(header::CONTENT_LENGTH)
            .map(|value| value.to_str().unwrap_or_default().parse());
        let chunked = request.headers.contains_key(header::TRANSFER_ENCODING);
        assert!(!(chunked && length.is_some()));
        if chunked {
            if let Some(body) = chunks(after) {
                assert_eq!(request.body.as_deref(), Some(body.as_slice()), "another body");
            }
            ended = true;
            continue;
        }
        let length: usize = length.map_or(0, |length| length.expect("a length"));
        match after.split_at_checked(length) {
            Some((body, next)) => {
                assert_eq!(request.body.as_deref(), Some(body), "another body");
                rest = next;
            }
            None => {
                assert!(request.body.is_none(), "a body that is cut off");
                ended = true;
            }
        }
    }
});

/// An absolute target in lower case up to `://`, and with the path `/` if it has none.
fn slashed(target: &str) -> String {
    let Some((scheme, rest)) = target.split_once("://") else {
        return target.to_owned();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(end);
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{}://{host}{slash}{rest}", scheme.to_ascii_lowercase())
}

/// Serves the bytes as the service does.
fn serve(text: &[u8], piece: usize, replies: &Rc<RefCell<Vec<u8>>>) -> Vec<Seen> {
    let client = Client {
        text: text.to_vec(),
        read: 0,
        piece,
        replies: Rc::clone(replies),
    };
    let limits = HttpLimits {
        head_bytes: 2 << 10,
        target_bytes: 512,
        ..HttpLimits::default()
    };
    let wire = Wire::new(client, limits, Arc::new(Seat));
    let wired = wire.wired();
    let all = RefCell::new(Vec::new());
    let handler = service_fn(|request: Request<Incoming>| {
        let (all, wired) = (&all, &wired);
        async move { Ok::<_, Infallible>(handle(request, all, wired).await) }
    });
    RUNTIME.with(|runtime| {
        // Only errors of the connection, which the replies show.
        let _ = runtime.block_on(async {
            server::Builder::new()
                .half_close(true)
                .max_headers(110)
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(wire), handler)
                .await
        });
    });
    all.into_inner()
}

async fn handle(
    request: Request<Incoming>,
    all: &RefCell<Vec<Seen>>,
    wired: &http1::wire::WireState,
) -> Response<Body> {
    let number = all.borrow().len() as u64 + 1;
    let refused = wired.refusal(number).is_some();
    let (parts, body) = request.into_parts();
    let ends = refused || parts.headers.contains_key(header::TRANSFER_ENCODING);
    all.borrow_mut().push(Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: parts.headers.clone(),
        body: None,
        refused,
    });
    let body = body.collect().await.ok().map(|body| body.to_bytes());
    if let Some(seen) = all.borrow_mut().last_mut() {
        seen.body = body;
    }
    let mut request = Request::from_parts(parts, ());
    if request_check::check(&mut request).is_ok() {
        let target = request.uri();
        assert!(target.authority().is_none() && is_sound_path(target.path()), "{target}");
    }
    let mut response = Response::new(Body::from("x"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    if ends {
        response
            .headers_mut()
            .insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    response
}

/// The content of a chunked body (RFC 9112, section 7.1) without extensions and trailers; `None` for any other.
fn chunks(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = text.windows(2).position(|two| two == b"\r\n")?;
        let digits = std::str::from_utf8(&text[..end]).ok()?;
        if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let size = usize::from_str_radix(digits, 16).ok()?;
        let rest = &text[end + 2..];
        let (piece, rest) = rest.split_at_checked(size)?;
        text = rest.strip_prefix(b"\r\n")?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(piece);
    }
}
