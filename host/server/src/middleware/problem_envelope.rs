//! Wraps refusals under the API's paths in the API's own envelope.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Response, Uri};
use tokenlatch_core::{ReplyError, ReplyRequest, Shape, is_api_path, is_function_name};

use crate::module_reply::response;
use crate::problem::Problem;
use tokenlatch::Module;

/// The parameter that selects UAPI where API 2 is the default.
const UAPI: &str = "cpanel_jsonapi_apiversion=3";

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
