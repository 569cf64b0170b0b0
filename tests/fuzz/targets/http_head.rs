//! A head that the service accepts is read by httparse, the parser inside hyper, as the same method, target and fields, and
//! states one framing.
#![no_main]
#![allow(dead_code, reason = "the target doesn't use all of the modules")]

#[path = "../../../host/server/src/problem.rs"]
mod problem;
#[path = "../../../host/server/src/http1"]
mod http1 {
    pub(crate) mod head;
    pub(crate) mod limits;
}

use httparse::{EMPTY_HEADER, Request, Status};
use libfuzzer_sys::fuzz_target;

use http1::head::{Framing, check};
use http1::limits::HttpLimits;

fuzz_target!(|data: &[u8]| {
    let end = data
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(data.len(), |at| at + 4);
    let head = &data[..end];
    // Only such heads come to the check: `http_wire` shows that no others do.
    let bare = head.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r');
    if !head.ends_with(b"\r\n\r\n") || bare || head.starts_with(b"\n") {
        return;
    }
    let limits = HttpLimits {
        fields: 16,
        target_bytes: 256,
        ..HttpLimits::default()
    };
    let Ok(framing) = check(head, &limits) else {
        return;
    };
    let mut fields = [EMPTY_HEADER; 16];
    let mut request = Request::new(&mut fields);
    assert_eq!(
        request.parse(head),
        Ok(Status::Complete(head.len())),
        "httparse refuses it or stops elsewhere"
    );

    // The same words, found without a parser.
    let text = &head[..head.len() - 4];
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first: Vec<&[u8]> = lines.next().unwrap_or_default().split(|byte| *byte == b' ').collect();
    let version = format!("HTTP/1.{}", request.version.unwrap_or(9));
    let read = [request.method, request.path, Some(version.as_str())].map(|word| word.unwrap_or_default().as_bytes());
    assert_eq!(first, read);
    assert!(read[1].len() <= limits.target_bytes);
    assert!(axum::http::Method::from_bytes(read[0]).is_ok());
    let mut names = Vec::new();
    for (line, field) in lines.zip(request.headers.iter()) {
        let colon = line.iter().position(|byte| *byte == b':').expect("a field has a colon");
        assert_eq!(&line[..colon], field.name.as_bytes());
        assert_eq!(line[colon + 1..].trim_ascii(), field.value.trim_ascii());
        assert!(axum::http::HeaderValue::from_bytes(field.value).is_ok());
        names.push(field.name.to_ascii_lowercase());
    }
    assert_eq!(
        text.iter().filter(|byte| **byte == b'\n').count(),
        names.len(),
        "a field is lost"
    );
    assert!(names.len() <= limits.fields);

    let of = |name: &str| -> Vec<&[u8]> {
        let fields = request
            .headers
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name));
        fields.map(|field| field.value.trim_ascii()).collect()
    };
    let hosts = of("host").len();
    assert!(hosts == 1 || hosts == 0 && request.version == Some(0));
    let expected = match (of("content-length").as_slice(), of("transfer-encoding").as_slice()) {
        ([], []) => Framing::Length(0),
        ([length], []) => {
            let length = std::str::from_utf8(length).expect("digits");
            assert!(length.bytes().all(|byte| byte.is_ascii_digit()));
            Framing::Length(length.parse().expect("a length"))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") && request.version == Some(1) => Framing::Chunked,
        _ => panic!("the framing is ambiguous"),
    };
    assert_eq!(framing, expected);
});
