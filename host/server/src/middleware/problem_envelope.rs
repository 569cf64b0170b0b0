//! Puts refusals in the form that clients of their path expect: the API's own envelope, or problem details.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode, Uri};
use tokenlatch_core::{
    Refusal, ReplyError, ReplyRequest, Shape, is_api_path, is_function_name, json_api_path, uapi_path,
};

use crate::guard::catalogue_file::{WHM, is_ours};
use crate::middleware::metrics::GUARD;
use crate::module_reply::{Denied, response};
use crate::problem::Problem;
use tokenlatch::Module;

/// The parameter that selects UAPI where API 2 is the default.
const UAPI: &str = "cpanel_jsonapi_apiversion=3";

/// Whether refusals are problem details where these are chosen: on every path of the guard, at `/auth`, and at the functions
/// that are forwarded. The service's own functions and API 2 keep the form that their clients read.
pub(crate) fn is_of_guarded_api(port: &str, path: &str) -> bool {
    let forwarded = uapi_path(path).is_some_and(|(module, function)| !is_ours(module, function))
        || json_api_path(path)
            .is_some_and(|function| !function.eq_ignore_ascii_case("cpanel") && !is_ours(WHM, function));
    port == GUARD || path == "/auth" || forwarded
}

/// Turns a refusal of the module into problem details, the same for every refusal with its status. It keeps its header fields.
pub(crate) fn put_problem(mut reply: Response<Body>) -> Response<Body> {
    if reply.extensions().get::<Denied>().is_none() {
        return reply;
    }
    let status = reply.status();
    let code = if status == StatusCode::SERVICE_UNAVAILABLE {
        Problem::UNAVAILABLE.code
    } else {
        "access_denied"
    };
    let problem = Problem::new(status, code, Refusal::sentence(status.as_u16()));
    let headers = reply.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    *reply.body_mut() = problem.body().into();
    reply
}

/// Wraps a refusal in the envelope of the API that its path belongs to. Other replies are passed through.
pub(crate) fn put(module: &Module, target: &Uri, mut reply: Response<Body>) -> Response<Body> {
    let Some(problem) = reply.extensions().get::<Problem>().copied() else {
        return reply;
    };
    let Some((shape, function)) = shape(target) else {
        return reply;
    };
    let enveloped = module.reply(&ReplyRequest {
        shape,
        function: function.map(str::to_owned),
        error: Some(ReplyError::Sentence(problem.detail.to_owned())),
        code: Some(problem.code.to_owned()),
        http_status: Some(problem.status.as_u16().into()),
        ..ReplyRequest::default()
    });
    // If the module fails, the problem document is sufficient.
    let Ok(enveloped) = enveloped.map(response) else {
        return reply;
    };
    let (parts, body) = enveloped.into_parts();
    reply.headers_mut().remove(CONTENT_LENGTH);
    if let Some(kind) = parts.headers.get(CONTENT_TYPE) {
        reply.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    *reply.body_mut() = body;
    reply
}

/// The reply's shape for a path, and the function if the envelope names it.
fn shape(target: &Uri) -> Option<(Shape, Option<&str>)> {
    let path = target.path();
    if !is_api_path(path) {
        return None;
    }
    let Some(function) = path.strip_prefix("/json-api/") else {
        return Some((Shape::Uapi, None)).filter(|_| !path.starts_with("/json-api"));
    };
    if function.trim_end_matches('/') != "cpanel" {
        return Some((Shape::Whm, Some(function).filter(|name| is_function_name(name))));
    }
    let uapi = target.query().unwrap_or_default().split('&').any(|pair| pair == UAPI);
    Some((if uapi { Shape::UapiCommand } else { Shape::Api2 }, None))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    #[test]
    fn path_determines_the_reply_shape() {
        for (target, expected) in [
            ("/execute/Email/list_pops", Some((Shape::Uapi, None))),
            ("/execute", Some((Shape::Uapi, None))),
            ("/json-api/cpanel?x=1", Some((Shape::Api2, None))),
            ("/json-api/cpanel/", Some((Shape::Api2, None))),
            (
                "/json-api/cpanel?x=1&cpanel_jsonapi_apiversion=3",
                Some((Shape::UapiCommand, None)),
            ),
            ("/json-api/listaccts", Some((Shape::Whm, Some("listaccts")))),
            ("/json-api/%41", Some((Shape::Whm, None))),
            ("/executes/a/b", None),
            ("/tokens", None),
            ("/auth", None),
        ] {
            assert_eq!(shape(&target.parse().unwrap()), expected, "{target}");
        }
    }
}
