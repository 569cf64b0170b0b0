//! Checks multipart bodies, which are forwarded to the API behind the guard unchanged, with their files.
//!
//! The query has selected the function, so no part may select another. Servers parse sloppy multipart bodies differently, so only
//! bodies with one reading pass. Each boundary starts a line after CR LF, no boundary occurs elsewhere, and the heads of parts
//! have the one form that clients write.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::{Frame, SizeHint};

use tokenlatch_core::{API2_SELECTORS, is_doubtful_selector};

use crate::body::BodyError;
use crate::problem::Problem;

/// Maximum length of a boundary: RFC 2046, section 5.1.1.
const MAX_BOUNDARY: usize = 70;

/// Maximum length of a part's head, in bytes.
const MAX_HEAD: usize = 4096;

const SPOILT: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "multipart_invalid",
    "The multipart body cannot be read, or servers would read it differently.",
)
.closing();
const MISPLACED: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "function_misplaced",
    "The function, its version and its user must all be in the query when a multipart body follows.",
)
.closing();

/// The boundary that a multipart request states.
pub(crate) fn boundary(headers: &HeaderMap) -> Result<String, Problem> {
    let field = headers.get(CONTENT_TYPE).and_then(|field| field.to_str().ok());
    let mut parameters = field.unwrap_or_default().split(';').skip(1).map(str::trim);
    let (Some(parameter), None) = (parameters.next(), parameters.next()) else {
        return Err(SPOILT);
    };
    let (key, value) = parameter.split_once('=').ok_or(SPOILT)?;
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = unquoted.unwrap_or(value);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    let sound =
        key.eq_ignore_ascii_case("boundary") && (1..=MAX_BOUNDARY).contains(&value.len()) && value.bytes().all(plain);
    sound.then(|| value.to_owned()).ok_or(SPOILT)
}

/// The content type with this boundary, in one canonical form.
pub(crate) fn content_type(boundary: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(format!("multipart/form-data; boundary=\"{boundary}\"")).map_err(|_| SPOILT)
}

/// Wraps a body, and checks it while it is forwarded.
pub(crate) fn checked(body: Body, boundary: &str) -> Body {
    Body::new(Checked {
        body,
        scan: Some(Scanner::new(boundary)),
    })
}

struct Checked {
    body: Body,
    /// `None` once the body has ended.
    scan: Option<Scanner>,
}

impl HttpBody for Checked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let failed = |problem| Poll::Ready(Some(Err(axum::Error::new(BodyError(problem)))));
        loop {
            let this = &mut *self;
            let Some(scan) = this.scan.as_mut() else {
                return Poll::Ready(None);
            };
            let data = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let ended = scan.end();
                    this.scan = None;
                    match ended {
                        Ok(()) => return Poll::Ready(None),
                        Err(problem) => return failed(problem),
                    }
                }
            };
            match scan.push(&data) {
                Ok(sound) if sound.is_empty() => {}
                Ok(sound) => return Poll::Ready(Some(Ok(Frame::data(sound.into())))),
                Err(problem) => return failed(problem),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.scan.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.scan.as_ref().map_or(0, |scan| scan.held.len() as u64);
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

/// The position of the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Before the first boundary.
    Start,
    /// In the content of a part.
    Content,
    /// After the last boundary.
    Last,
    /// After the line end that may follow the last boundary.
    End,
}

/// Checks a body piece by piece. It holds back bytes that it cannot judge yet.
struct Scanner {
    /// Two dashes and the boundary.
    delimiter: Vec<u8>,
    held: Vec<u8>,
    at: Position,
}

impl Scanner {
    fn new(boundary: &str) -> Scanner {
        Scanner {
            delimiter: format!("--{boundary}").into_bytes(),
            held: Vec::new(),
            at: Position::Start,
        }
    }

    /// Takes a piece, and returns the bytes that may be forwarded.
    fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, Problem> {
        self.held.extend_from_slice(piece);
        let mut sound = 0;
        while let Some((read, next)) = self.step(self.held.get(sound..).unwrap_or_default())? {
            sound += read;
            self.at = next;
        }
        let rest = self.held.split_off(sound.min(self.held.len()));
        Ok(std::mem::replace(&mut self.held, rest))
    }

    /// Ends the body. It is an error if the body is incomplete.
    fn end(&self) -> Result<(), Problem> {
        let whole = self.held.is_empty() && matches!(self.at, Position::Last | Position::End);
        whole.then_some(()).ok_or(SPOILT)
    }

    /// The number of valid bytes at the start of `rest`, and the position after them. `None` until more bytes are needed.
    fn step(&self, rest: &[u8]) -> Result<Option<(usize, Position)>, Problem> {
        match self.at {
            Position::Start if rest.len() < self.delimiter.len() => match self.delimiter.starts_with(rest) {
                true => Ok(None),
                false => Err(SPOILT),
            },
            Position::Start if rest.starts_with(&self.delimiter) => self.after(rest, 0),
            Position::Start => Err(SPOILT),
            Position::Content => {
                let Some(at) = find(rest, &self.delimiter) else {
                    // The last bytes may be the start of a line end and a boundary.
                    let sound = rest.len().saturating_sub(self.delimiter.len() + 1);
                    return Ok(Some((sound, Position::Content)).filter(|_| sound > 0));
                };
                let content = rest.get(..at).and_then(|content| content.strip_suffix(b"\r\n"));
                let content = content.ok_or(SPOILT)?.len();
                // The boundary is forwarded with the head after it, so a truncated body is never forwarded as a complete one.
                let next = self.after(rest, at)?;
                Ok(next.or(Some((content, Position::Content)).filter(|_| content > 0)))
            }
            Position::Last => match rest {
                b"" | b"\r" => Ok(None),
                b"\r\n" => Ok(Some((2, Position::End))),
                _ => Err(SPOILT),
            },
            Position::End if rest.is_empty() => Ok(None),
            Position::End => Err(SPOILT),
        }
    }

    /// Parses what follows a boundary at `at`: the head of a part, or the end.
    fn after(&self, rest: &[u8], at: usize) -> Result<Option<(usize, Position)>, Problem> {
        let end = at + self.delimiter.len() + 2;
        let (Some(follows), Some(rest)) = (rest.get(end - 2..end), rest.get(end..)) else {
            return Ok(None);
        };
        match (follows, find(rest, b"\r\n\r\n")) {
            (b"--", _) => Ok(Some((end, Position::Last))),
            (b"\r\n", Some(head)) if head <= MAX_HEAD => {
                check_head(rest.get(..head).unwrap_or_default())?;
                // The last line feed is held back: it may belong to the next boundary.
                Ok(Some((end + head + 3, Position::Content)))
            }
            (b"\r\n", None) if rest.len() <= MAX_HEAD => Ok(None),
            _ => Err(SPOILT),
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Checks the head of a part: one `Content-Disposition` with a plain name, and fields that do not change its meaning.
fn check_head(head: &[u8]) -> Result<(), Problem> {
    let head = std::str::from_utf8(head).map_err(|_| SPOILT)?;
    let mut named = false;
    for line in head.split("\r\n") {
        let (field, value) = line.split_once(':').ok_or(SPOILT)?;
        let value = value.trim_matches(' ');
        if value.chars().any(char::is_control) {
            return Err(SPOILT);
        }
        match field.to_ascii_lowercase().as_str() {
            "content-disposition" if !named => {
                named = true;
                check_disposition(value)?;
            }
            "content-type" if !value.to_ascii_lowercase().starts_with("multipart") => {}
            "content-length" => {}
            "content-transfer-encoding" if matches!(value, "binary" | "8bit" | "7bit") => {}
            _ => return Err(SPOILT),
        }
    }
    named.then_some(()).ok_or(SPOILT)
}

/// Checks for `form-data` with a name that selects no function, and optionally a file name.
fn check_disposition(value: &str) -> Result<(), Problem> {
    let (kind, mut rest) = value.split_once(';').ok_or(SPOILT)?;
    let mut seen: Vec<&str> = Vec::new();
    loop {
        let (key, after) = rest.split_once('=').ok_or(SPOILT)?;
        let key = key.trim_matches(' ');
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or(SPOILT)?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if seen.contains(&key) || value.contains(['\\', '"']) {
            return Err(SPOILT);
        }
        match key {
            "name" => check_name(value.trim_matches(' '))?,
            "filename" | "filename*" => {}
            _ => return Err(SPOILT),
        }
        seen.push(key);
        match after.trim_matches(' ').strip_prefix(';') {
            Some(more) => rest = more,
            None if after.trim_matches(' ').is_empty() => break,
            None => return Err(SPOILT),
        }
    }
    let whole = kind.trim_matches(' ').eq_ignore_ascii_case("form-data") && seen.contains(&"name");
    whole.then_some(()).ok_or(SPOILT)
}

fn check_name(name: &str) -> Result<(), Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.[]*~ ".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(SPOILT);
    }
    if chooses(name) { Err(MISPLACED) } else { Ok(()) }
}

/// Whether some server might read the key as one that selects the function.
pub(crate) fn chooses(key: &str) -> bool {
    API2_SELECTORS.contains(&key.trim()) || is_doubtful_selector(key.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    fn scanned(body: &[u8], piece: usize) -> Result<Vec<u8>, &'static str> {
        let mut scan = Scanner::new("b");
        let mut whole = Vec::new();
        for piece in body.chunks(piece) {
            whole.extend(scan.push(piece).map_err(|problem| problem.code)?);
        }
        scan.end().map_err(|problem| problem.code)?;
        Ok(whole)
    }

    fn part(head: &str, content: &str) -> String {
        format!("--b\r\n{head}\r\n\r\n{content}\r\n--b--\r\n")
    }

    const FILE: &str = "Content-Disposition: form-data; name=\"file-1\"; filename=\"a b.txt\"";

    #[test]
    fn valid_uploads_pass_unchanged_in_any_chunks() {
        for body in [
            part(FILE, "x"),
            part(FILE, ""),
            part(FILE, "\r\n--a\r\n--\r\n-\r\n\n--"),
            part(&format!("{FILE}\r\nContent-Type: text/plain"), "\u{e4}"),
            part(&format!("Content-Type: text/plain\r\nContent-Length: 1\r\n{FILE}"), "x"),
            part(
                "content-disposition: form-data; name=dir; filename=x; filename*=utf-8''%e4",
                "x",
            ),
            part(FILE, "x").replace("--b--\r\n", "--b--"),
            format!(
                "--b\r\n{FILE}\r\n\r\nx\r\n{}",
                part("Content-Disposition: form-data; name=\"dir\"", "y")
            ),
            "--b--\r\n".to_owned(),
        ] {
            for piece in [1, 2, 3, 7, 1000] {
                assert_eq!(scanned(body.as_bytes(), piece), Ok(body.clone().into_bytes()), "{body}");
            }
        }
        let long = part(FILE, &"a\r\n".repeat(100_000));
        assert_eq!(scanned(long.as_bytes(), 8192).unwrap().len(), long.len());
    }

    #[test]
    fn ambiguous_multipart_is_refused() {
        let dis = |rest: &str| part(&format!("Content-Disposition: form-data{rest}"), "x");
        for body in [
            String::new(),
            "--b".to_owned(),
            "--b\r\n".to_owned(),
            "x\r\n--b--\r\n".to_owned(),
            "\r\n--b--\r\n".to_owned(),
            part(FILE, "x").replace("--b--\r\n", ""),
            part(FILE, "x").replace("--b--\r\n", "--b"),
            part(FILE, "x").replace("--b--\r\n", "--b--\r\nx"),
            part(FILE, "x").replace("--b--\r\n", "--b--\r\n\r\n"),
            part(FILE, "x").replace("--b--", "--b --"),
            // A boundary that only some servers recognise.
            part(FILE, "x\n--b\r\nContent-Disposition: form-data; name=\"y\"\r\n\r\nz"),
            part(FILE, "x--b"),
            part(FILE, "x\r\n--bc"),
            part(FILE, "x\r\n--b \r\n"),
            part(FILE, "--b\r\n"),
            part(&FILE.replace("; name", ";\r\n name"), "x"),
            part(&FILE.replace(' ', "\t"), "x"),
            part(&format!("{FILE}\r\n{FILE}"), "x"),
            part(&format!("{FILE}\nX: y"), "x"),
            part(&format!("{FILE}\r\nX: y"), "x"),
            part(&format!("{FILE}\r\nContent-Type: multipart/mixed; boundary=c"), "x"),
            part(&format!("{FILE}\r\nContent-Transfer-Encoding: base64"), "x"),
            part(&format!("{FILE}\r\nContent-Type: {}", "a".repeat(MAX_HEAD)), "x"),
            part("Content-Type: text/plain", "x"),
            part("", "x"),
            dis(""),
            dis("; filename=\"x\""),
            dis("; name=\"x\"; name=\"y\""),
            dis("; NAME=\"x\"; name=\"y\""),
            dis("; name=\"x\"; name*=utf-8''y"),
            dis("; name=\"x\\\"; filename=\"y\""),
            dis("; name=\"x%22\""),
            dis("; name=\"x\" y"),
            dis("; name=\"x\";"),
            dis("; name=\"\""),
            dis("; name=\"\u{e4}\""),
            dis("; name=x; filename=\"y"),
            part(FILE, "x").replace("form-data", "attachment"),
        ] {
            for piece in [1, 1000] {
                assert_eq!(
                    scanned(body.as_bytes(), piece).err(),
                    Some("multipart_invalid"),
                    "{body:.200}"
                );
            }
        }
        assert_eq!(
            scanned(
                b"--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b--",
                9
            ),
            Err("multipart_invalid")
        );
    }

    #[test]
    fn truncated_body_is_never_passed_completely() {
        let whole = part(FILE, "content");
        for end in 1..whole.len() - "\r\n".len() {
            let early = whole.as_bytes().get(..end).unwrap();
            for piece in [1, 1000] {
                let mut scan = Scanner::new("b");
                let passed: usize = early.chunks(piece).map(|piece| scan.push(piece).unwrap().len()).sum();
                assert!(passed < end && scan.end().is_err(), "{end}");
            }
        }
    }

    #[test]
    fn parts_with_selector_names_are_refused() {
        for name in [
            "cpanel_jsonapi_func",
            "cpanel_jsonapi_user",
            "CPANEL_JSONAPI_MODULE",
            "cpanel.jsonapi.func",
            "cpanel_jsonapi_func[]",
            " cpanel_jsonapi_func ",
            "cpanel_xmlapi_func",
        ] {
            let body = part(
                &format!("Content-Disposition: form-data; name=\"{name}\"; filename=\"x\""),
                "delpop",
            );
            // No byte of the part is forwarded.
            let mut scan = Scanner::new("b");
            assert_eq!(
                scan.push(body.as_bytes()).unwrap_err().code,
                "function_misplaced",
                "{name}"
            );
        }
    }

    #[test]
    fn ambiguous_boundaries_are_refused() {
        let read = |field: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, field.parse().unwrap());
            boundary(&headers).map_err(|problem| problem.code)
        };
        for good in [
            "multipart/form-data; boundary=a-b",
            "multipart/form-data;boundary=\"a-b\"",
            "Multipart/Form-Data; Boundary=a-b",
        ] {
            assert_eq!(read(good), Ok("a-b".to_owned()), "{good}");
        }
        let long = format!("multipart/form-data; boundary={}", "a".repeat(71));
        for bad in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; charset=utf-8; boundary=a",
            "multipart/form-data; boundary=\"a b\"",
            "multipart/form-data; boundary=\"a",
            long.as_str(),
        ] {
            assert_eq!(read(bad), Err("multipart_invalid"), "{bad}");
        }
    }
}
