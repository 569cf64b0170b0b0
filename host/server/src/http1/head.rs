//! Checks the head of a request as bytes, before the HTTP library sees it. The library accepts far more than is safe behind or in
//! front of another server (RFC 9112, section 11; RULES.md, 8).

use axum::http::StatusCode;

use super::limits::HttpLimits;
use crate::problem::Problem;

/// How the end of a request's body is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By its length in bytes.
    Length(u64),
    /// By its chunks.
    Chunked,
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $status:ident $code:literal $detail:literal,)*) => {
        /// A fault in a head.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            #[cfg(test)]
            const ALL: &'static [Fault] = &[$(Fault::$name),*];

            /// The refusal. The connection ends after it, since the start of the next request is unknown.
            pub(crate) const fn problem(self) -> Problem {
                match self {
                    $(Fault::$name => Problem::new(StatusCode::$status, $code, $detail).closing(),)*
                }
            }
        }
    };
}

faults! {
    /// A line feed without a carriage return, or the reverse.
    LineEnd BAD_REQUEST "line_end_invalid" "Each line of the request must end with CR LF.",
    /// A control byte.
    Control BAD_REQUEST "control_byte" "A header field contains a control byte.",
    /// The first line is not method, target and version, separated by one space.
    RequestLine BAD_REQUEST "request_line_invalid" "The request line is malformed.",
    /// The version is neither 1.0 nor 1.1.
    Version HTTP_VERSION_NOT_SUPPORTED "version_unsupported" "Unsupported HTTP version; use HTTP/1.1.",
    /// An invalid field name.
    FieldName BAD_REQUEST "field_name_invalid" "The name of a header field is malformed.",
    /// A field value that continues on the next line.
    Folded BAD_REQUEST "field_folded" "A header field must be on one line.",
    /// The `Host` field is missing.
    HostMissing BAD_REQUEST "host_missing" "The header field Host is missing.",
    /// The `Host` field is repeated.
    HostRepeated BAD_REQUEST "host_repeated" "The header field Host is repeated.",
    /// The `Host` field is invalid.
    HostInvalid BAD_REQUEST "host_invalid" "The header field Host is malformed.",
    /// The `Content-Length` is not one number.
    Length BAD_REQUEST "length_invalid" "The header field Content-Length must be one whole number.",
    /// Both `Content-Length` and `Transfer-Encoding` are given.
    LengthAndEncoding BAD_REQUEST "framing_ambiguous" "Content-Length and Transfer-Encoding must not be combined.",
    /// The `Transfer-Encoding` is repeated, or in HTTP/1.0.
    Encoding BAD_REQUEST "encoding_invalid" "Invalid Transfer-Encoding header.",
    /// A `Transfer-Encoding` other than `chunked`.
    EncodingUnknown NOT_IMPLEMENTED "encoding_unsupported" "Unsupported Transfer-Encoding; only chunked is supported.",
    /// The target is over the limit.
    TargetTooLong URI_TOO_LONG "target_too_long" "The request target is too long.",
    /// The head is over the limit.
    TooLarge REQUEST_HEADER_FIELDS_TOO_LARGE "head_too_large" "The header fields are too large.",
    /// There are too many fields.
    TooMany REQUEST_HEADER_FIELDS_TOO_LARGE "fields_too_many" "There are too many header fields.",
    /// The head was not complete in time.
    TooSlow REQUEST_TIMEOUT "head_too_slow" "The request was sent too slowly.",
}

/// Maximum length of a method. The longest registered one has 17 letters.
const METHOD_MAX: usize = 24;

/// `tchar` of RFC 9110, section 5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// Whether a visible character may occur in a target. `#` may not: the library would drop a fragment silently. Characters that
/// the library refuses with its own reply are excluded too. Others that RFC 3986 excludes are accepted in a query.
const fn is_target(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'`')
}

/// Checks a complete head, with its empty last line. Every line feed in it has its carriage return.
pub(crate) fn check(head: &[u8], limits: &HttpLimits) -> Result<Framing, Fault> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let old = request_line(line(lines.next())?, limits)?;
    let mut found = Found::default();
    for next in lines {
        let text = match next.split_last() {
            // The rest after the last line feed, and the empty line before it.
            None => continue,
            Some((b'\r', [])) => continue,
            Some((b'\r', text)) => text,
            Some(_) => return Err(Fault::LineEnd),
        };
        found.fields += 1;
        if found.fields > limits.fields {
            return Err(Fault::TooMany);
        }
        found.field(text)?;
    }
    found.framing(old)
}

/// Strips the carriage return from a line.
fn line(line: Option<&[u8]>) -> Result<&[u8], Fault> {
    line.and_then(|line| line.strip_suffix(b"\r")).ok_or(Fault::LineEnd)
}

/// Parses method, target and version. Returns whether it is HTTP/1.0.
fn request_line(line: &[u8], limits: &HttpLimits) -> Result<bool, Fault> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Fault::RequestLine);
    };
    if method.is_empty() || method.len() > METHOD_MAX || !method.iter().all(|byte| is_token(*byte)) {
        return Err(Fault::RequestLine);
    }
    if target.len() > limits.target_bytes {
        return Err(Fault::TargetTooLong);
    }
    if target.is_empty() || !target.iter().all(|byte| is_target(*byte)) {
        return Err(Fault::RequestLine);
    }
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        _ if version.starts_with(b"HTTP/") => Err(Fault::Version),
        _ => Err(Fault::RequestLine),
    }
}

/// The framing that the fields state.
#[derive(Default)]
struct Found {
    fields: usize,
    host: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Found {
    fn field(&mut self, line: &[u8]) -> Result<(), Fault> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(Fault::Folded);
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Fault::FieldName)?;
        let (name, rest) = line.split_at(colon);
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Fault::FieldName);
        }
        let value = rest.get(1..).unwrap_or_default();
        // HTAB, visible characters and bytes from 0x80 on (RFC 9110, section 5.5). A lone CR is a control byte too.
        if value
            .iter()
            .any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f)
        {
            return Err(if value.contains(&b'\r') {
                Fault::LineEnd
            } else {
                Fault::Control
            });
        }
        let value = value.trim_ascii();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.encoding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Fault> {
        if std::mem::replace(&mut self.host, true) {
            return Err(Fault::HostRepeated);
        }
        if is_host(value) {
            Ok(())
        } else {
            Err(Fault::HostInvalid)
        }
    }

    /// Parses a `Content-Length`: digits only (RFC 9110, section 8.6), given once. Two equal ones are refused too.
    fn length(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.length.is_some() || value.is_empty() || value.len() > 18 {
            return Err(Fault::Length);
        }
        let mut length: u64 = 0;
        for byte in value {
            if !byte.is_ascii_digit() {
                return Err(Fault::Length);
            }
            length = length * 10 + u64::from(byte - b'0');
        }
        self.length = Some(length);
        Ok(())
    }

    fn encoding(&mut self, value: &[u8]) -> Result<(), Fault> {
        if std::mem::replace(&mut self.chunked, true) {
            return Err(Fault::Encoding);
        }
        if value.eq_ignore_ascii_case(b"chunked") {
            Ok(())
        } else {
            Err(Fault::EncodingUnknown)
        }
    }

    fn framing(&self, old: bool) -> Result<Framing, Fault> {
        // HTTP/1.0 has no Host (RFC 9112, section 3.2).
        if !self.host && !old {
            return Err(Fault::HostMissing);
        }
        match (self.length, self.chunked) {
            (Some(_), true) => Err(Fault::LengthAndEncoding),
            (None, true) if old => Err(Fault::Encoding),
            (None, true) => Ok(Framing::Chunked),
            (length, false) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}

/// Whether a value is a name, an IPv4 address or an IPv6 address in brackets, with an optional port.
fn is_host(value: &[u8]) -> bool {
    let (name, port) = if value.starts_with(b"[") {
        let Some(end) = value.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (name, rest) = value.split_at(end + 1);
        let inner = name.get(1..end).unwrap_or_default();
        let fits = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        if inner.is_empty() || !inner.iter().all(fits) {
            return false;
        }
        match rest {
            [] => return true,
            [b':', port @ ..] => (name, port),
            _ => return false,
        }
    } else {
        match value.iter().position(|byte| *byte == b':') {
            None => return is_name(value),
            Some(colon) => (
                value.get(..colon).unwrap_or_default(),
                value.get(colon + 1..).unwrap_or_default(),
            ),
        }
    };
    let port_fits = !port.is_empty() && port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    port_fits && (name.starts_with(b"[") || is_name(name))
}

fn is_name(name: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && name.len() <= 255 && name.iter().all(fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    fn read(head: &str) -> Result<Framing, Fault> {
        check(head.as_bytes(), &HttpLimits::default())
    }

    fn with(fields: &str) -> Result<Framing, Fault> {
        read(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
    }

    #[test]
    fn a_plain_head_is_read() {
        assert_eq!(with(""), Ok(Framing::Length(0)));
        assert_eq!(with("Content-Length: 0012\r\n"), Ok(Framing::Length(12)));
        assert_eq!(with("transfer-ENCODING: Chunked \r\n"), Ok(Framing::Chunked));
        assert_eq!(with("X: \u{ff}\r\n"), Ok(Framing::Length(0)));
        assert_eq!(read("GET / HTTP/1.0\r\nhost:[::1]:80\r\n\r\n"), Ok(Framing::Length(0)));
        assert_eq!(read("GET / HTTP/1.0\r\n\r\n"), Ok(Framing::Length(0)));
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        for (fields, fault) in [
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                Fault::LengthAndEncoding,
            ),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", Fault::Length),
            ("Content-Length: 1, 1\r\n", Fault::Length),
            ("Content-Length: +5\r\n", Fault::Length),
            ("Content-Length: -1\r\n", Fault::Length),
            ("Content-Length: 0x5\r\n", Fault::Length),
            ("Content-Length:\r\n", Fault::Length),
            ("Content-Length: 99999999999999999999\r\n", Fault::Length),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                Fault::Encoding,
            ),
            ("Transfer-Encoding: gzip, chunked\r\n", Fault::EncodingUnknown),
            ("Transfer-Encoding: identity\r\n", Fault::EncodingUnknown),
            ("Transfer-Encoding: \u{b}chunked\r\n", Fault::Control),
        ] {
            assert_eq!(with(fields), Err(fault), "{fields:?}");
        }
        let old = "GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(read(old), Err(Fault::Encoding));
    }

    #[test]
    fn malformed_lines_are_refused() {
        for (fields, fault) in [
            (" folded: 1\r\n", Fault::Folded),
            ("A: 1\r\n\tfolded\r\n", Fault::Folded),
            ("A : 1\r\n", Fault::FieldName),
            (": 1\r\n", Fault::FieldName),
            ("no colon\r\n", Fault::FieldName),
            ("\u{e4}: 1\r\n", Fault::FieldName),
            ("A: 1\0\r\n", Fault::Control),
            ("A: \u{7f}\r\n", Fault::Control),
            ("A: 1\rB: 2\r\n", Fault::LineEnd),
            ("A: 1\n", Fault::LineEnd),
        ] {
            assert_eq!(with(fields), Err(fault), "{fields:?}");
        }
        for first in [
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET /",
            "GET /\u{e4} HTTP/1.1",
            "GET /#a HTTP/1.1",
            "G@T / HTTP/1.1",
            " / HTTP/1.1",
            "GET / http/1.1",
        ] {
            assert_eq!(
                read(&format!("{first}\r\nHost: a\r\n\r\n")),
                Err(Fault::RequestLine),
                "{first:?}"
            );
        }
        for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/1.1x"] {
            assert_eq!(
                read(&format!("GET / {version}\r\nHost: a\r\n\r\n")),
                Err(Fault::Version)
            );
        }
    }

    #[test]
    fn exactly_one_valid_host_is_required() {
        assert_eq!(read("GET / HTTP/1.1\r\n\r\n"), Err(Fault::HostMissing));
        assert_eq!(with("hOST: a\r\n"), Err(Fault::HostRepeated));
        for host in [
            "localhost",
            "localhost:1",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:2083",
            "a-b_c.example",
        ] {
            assert!(
                read(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).is_ok(),
                "{host}"
            );
        }
        for host in [
            "", "a b", "a:", "a:x", "a:123456", "a/b", "a@b", "[::1", "[]", "[::1]x", "a,b", "::1", "a\"", "\u{e4}",
        ] {
            assert!(
                read(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).is_err(),
                "{host}"
            );
        }
    }

    #[test]
    fn oversized_heads_are_refused() {
        let hundred_and_one = "A: 1\r\n".repeat(100);
        assert_eq!(with(&hundred_and_one), Err(Fault::TooMany));
        assert!(with(&"A: 1\r\n".repeat(99)).is_ok());
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(16 << 10));
        assert_eq!(read(&long), Err(Fault::TargetTooLong));
    }

    #[test]
    fn every_refusal_is_json_and_closes_the_connection() {
        for fault in Fault::ALL {
            let problem = fault.problem();
            let document: serde_json::Value = serde_json::from_str(&problem.body()).unwrap();
            assert_eq!(document["code"], problem.code);
            assert_eq!(
                document.get("status"),
                None,
                "clients of UAPI take one that isn't 0 for success"
            );
            assert!(problem.close);
        }
    }
}
