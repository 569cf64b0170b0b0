//! Checks a request before it is routed: target, path, method, expectation.

use axum::http::uri::{Parts, PathAndQuery};
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use tokenlatch_core::{canonical_path, is_sound_path};

use crate::problem::Problem;

const TARGET: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "target_invalid",
    "The request target must be a path.",
);
const AUTHORITY: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "authority_mismatch",
    "The host of the request target differs from the header field Host.",
);
const PATH: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "path_invalid",
    "The path of the request is malformed.",
);
const EXPECTATION: Problem = Problem::new(
    StatusCode::EXPECTATION_FAILED,
    "expectation_unsupported",
    "Unsupported Expect header; only 100-continue is supported.",
)
.closing();

/// Refuses requests that no handler should see, and converts an absolute target into a path.
pub(crate) fn check<B>(request: &mut Request<B>) -> Result<(), Problem> {
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return Err(Problem::METHOD.allowing("GET, POST").closing());
    }
    check_expectation(request.headers())?;
    if request.uri().authority().is_some() || request.uri().scheme().is_some() {
        let target = from_absolute(request.uri(), request.headers())?;
        *request.uri_mut() = target;
    }
    if let Some(target) = canonical(request.uri()) {
        *request.uri_mut() = target;
    }
    check_path(request.uri().path())
}

/// The target with its canonical path, which is what is judged and forwarded: see [`canonical_path`]. `None` if the path is
/// already canonical.
fn canonical(target: &Uri) -> Option<Uri> {
    let path = canonical_path(target.path());
    if path == target.path() {
        return None;
    }
    let target = match target.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    target.ok().map(Uri::from)
}

fn check_expectation(headers: &HeaderMap) -> Result<(), Problem> {
    let met = headers
        .get_all(header::EXPECT)
        .iter()
        .all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if met { Ok(()) } else { Err(EXPECTATION) }
}

/// Converts an absolute target (RFC 9112, section 3.2.2). It must name the same host as `Host`, so that the host is unambiguous.
fn from_absolute(target: &Uri, headers: &HeaderMap) -> Result<Uri, Problem> {
    if !matches!(target.scheme_str(), Some("http" | "https")) {
        return Err(TARGET);
    }
    let host = headers.get(header::HOST).map(|host| host.as_bytes());
    let named = target.authority().map(|authority| authority.as_str());
    match (host, named) {
        (Some(host), Some(named)) if host.eq_ignore_ascii_case(named.as_bytes()) => {}
        _ => return Err(AUTHORITY),
    }
    let mut parts = Parts::default();
    parts.path_and_query = match target.path_and_query() {
        Some(path) => Some(path.clone()),
        None => Some(PathAndQuery::from_static("/")),
    };
    Uri::from_parts(parts).map_err(|_| TARGET)
}

/// Refuses a path that another server could read differently.
fn check_path(path: &str) -> Result<(), Problem> {
    match path.starts_with('/') {
        false => Err(TARGET),
        true if is_sound_path(path) => Ok(()),
        true => Err(PATH),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    fn read(method: &str, target: &str, fields: &[(&str, &str)]) -> Result<String, &'static str> {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", "a.example:1");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        check(&mut request).map_err(|problem| problem.code)?;
        Ok(request.uri().to_string())
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for path in ["/", "/execute/Tokens/list", "/a%20b", "/%C3%A4", "/a.b/..c", "/a/b/"] {
            assert_eq!(read("GET", path, &[]), Ok(path.to_owned()));
        }
        for path in [
            "/..",
            "/../a",
            "/a/..",
            "/a/../b",
            "/./a",
            "/a/.",
            "/..;x/a",
            "//",
            "/a//b",
            "/a\\b",
            "/%2e%2e/a",
            "/%2E./a",
            "/.%2e",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%00",
            "/a%0d%0a",
            "/%",
            "/%2",
            "/%zz",
            "/%ff",
            "/%c3",
            "/%c0%ae",
            "/%252e%252e/",
            "/a%7f",
        ] {
            assert_eq!(read("GET", path, &[]), Err("path_invalid"), "{path}");
        }
    }

    #[test]
    fn slashes_around_the_path_of_a_function_are_folded() {
        for (target, canonical) in [
            ("//execute/Tokens/list", "/execute/Tokens/list"),
            ("//execute/Tokens/list?a=/", "/execute/Tokens/list?a=/"),
            ("/execute/Tokens/list/", "/execute/Tokens/list"),
            ("/json-api/cpanel/?a=b", "/json-api/cpanel?a=b"),
            ("//json-api/listaccts/?", "/json-api/listaccts?"),
            ("http://a.example:1//execute/Tokens/list", "/execute/Tokens/list"),
        ] {
            assert_eq!(read("GET", target, &[]), Ok(canonical.to_owned()), "{target}");
        }
        for target in [
            "///execute/Tokens/list",
            "/execute//Tokens/list",
            "/execute/Tokens//list",
            "/execute/Tokens/list//",
            "//login",
            "//evil.example/",
            "//auth",
            "//execute/../Tokens/list",
        ] {
            assert_eq!(read("GET", target, &[]), Err("path_invalid"), "{target}");
        }
    }

    #[test]
    fn strips_the_session_prefix_from_api_paths() {
        for (target, read_as) in [
            ("/cpsess0123456789/execute/Tokens/list?a=b", "/execute/Tokens/list?a=b"),
            ("/cpsess1/json-api/cpanel", "/json-api/cpanel"),
            ("http://a.example:1/cpsess123456789/json-api/x", "/json-api/x"),
            ("/cpsess0123456789/tokens", "/cpsess0123456789/tokens"),
            ("/cpsess0123456789/executes", "/cpsess0123456789/executes"),
            ("/cpsess/execute/Tokens/list", "/cpsess/execute/Tokens/list"),
            ("/cpsessx/execute/Tokens/list", "/cpsessx/execute/Tokens/list"),
            (
                "/cpsess1/cpsess1/execute/Tokens/list",
                "/cpsess1/cpsess1/execute/Tokens/list",
            ),
            (
                "/cpsess012345678901234567890/execute/a/b",
                "/cpsess012345678901234567890/execute/a/b",
            ),
        ] {
            assert_eq!(read("GET", target, &[]), Ok(read_as.to_owned()));
        }
    }

    #[test]
    fn absolute_targets_must_agree_with_host() {
        assert_eq!(read("GET", "http://A.example:1/x?y", &[]), Ok("/x?y".to_owned()));
        assert_eq!(read("GET", "http://a.example:1", &[]), Ok("/".to_owned()));
        for target in ["http://b.example/x", "http://a.example/x", "http://u@a.example:1/x"] {
            assert_eq!(read("GET", target, &[]), Err("authority_mismatch"), "{target}");
        }
        assert_eq!(read("GET", "ftp://a.example:1/x", &[]), Err("target_invalid"));
        assert_eq!(read("GET", "a.example:1", &[]), Err("target_invalid"));
        assert_eq!(read("OPTIONS", "*", &[]), Err("target_invalid"));
    }

    #[test]
    fn unsupported_methods_and_expectations_are_refused() {
        assert_eq!(read("TRACE", "/", &[]), Err("method_not_allowed"));
        assert_eq!(read("CONNECT", "a.example:1", &[]), Err("method_not_allowed"));
        assert_eq!(read("POST", "/", &[("expect", "100-Continue")]), Ok("/".to_owned()));
        assert_eq!(
            read("POST", "/", &[("expect", "other")]),
            Err("expectation_unsupported")
        );
    }
}
