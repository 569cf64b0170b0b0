//! Replies of the web interface: pages, redirects and errors.

use std::borrow::Cow;

use askama::Template;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::auth::failed_attempts::Failures;
use crate::problem::Problem;
use tokenlatch::Error;
use tokenlatch::StoreError;

/// Renders a page.
pub(crate) fn html(status: StatusCode, template: impl Template) -> Response {
    let Ok(text) = template.render() else {
        return Failed::Broken.into_response();
    };
    let mut reply = Response::new(text.into());
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

/// Redirects to a path of the web interface, so that "reload" and "back" do not repeat the request.
pub(crate) fn redirect_to(path: String) -> Response {
    let Ok(path) = HeaderValue::try_from(path) else {
        return Failed::Broken.into_response();
    };
    let mut reply = Response::default();
    *reply.status_mut() = StatusCode::SEE_OTHER;
    reply.headers_mut().insert(LOCATION, path);
    reply
}

/// Why a request to the web interface failed. The guard renders it, since it knows the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The user is not logged in.
    LoggedOut,
    /// The form's CSRF value does not match the session.
    Stale,
    /// The request comes from another site.
    CrossSite,
    /// The request's host name is not allowed.
    Host(Option<String>),
    /// The page does not exist.
    NotFound,
    /// The page does not have this method.
    Method,
    /// 409 with this message: the object is gone, or the action was done already.
    Conflict(String),
    /// 403 with this message: the user may not do this.
    Forbidden(String),
    /// 422 with this message: the input is invalid.
    Refused(String),
    /// Too many failed logins. The client may try again after this time.
    Later(std::time::Duration),
    /// The network has other logins in progress.
    Behind,
    /// The request cannot be read.
    Problem(Problem),
    /// No answer is possible now, and nothing was changed.
    Unavailable,
    /// An internal error.
    Broken,
}

/// The text of a failure.
pub(crate) struct Words {
    pub(crate) status: StatusCode,
    /// The reason for the log.
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) message: Cow<'static, str>,
}

impl Failed {
    /// The title and the message.
    pub(crate) fn words(&self) -> Words {
        let words = |status, code, title, message: &'static str| Words {
            status,
            code,
            title,
            message: Cow::Borrowed(message),
        };
        let own = |status, code, title, message: &str| Words {
            status,
            code,
            title,
            message: Cow::Owned(message.to_owned()),
        };
        match self {
            Failed::LoggedOut => words(StatusCode::UNAUTHORIZED, "session_ended", "Log in", "Log in to go on."),
            Failed::Stale => words(
                StatusCode::FORBIDDEN,
                "form_stale",
                "The form is out of date",
                "The form is out of date, so nothing was done. Go back, reload the page, and try again.",
            ),
            Failed::CrossSite => words(
                StatusCode::FORBIDDEN,
                "cross_site",
                "The form came from another site",
                "The form was sent by a page of another site, so nothing was done. If you meant to do this, start from \
                 this server's own page.",
            ),
            Failed::Host(Some(host)) => own(
                StatusCode::MISDIRECTED_REQUEST,
                "host_unknown",
                "This is another server",
                &format!(
                    "This server doesn't know itself by the name {host}. If the name is right, its administrator can \
                     start it with --host {host}, or give it a certificate for that name."
                ),
            ),
            Failed::Host(None) => words(
                StatusCode::MISDIRECTED_REQUEST,
                "host_unknown",
                "This is another server",
                "The request doesn't say by which name it reaches this server. Its administrator can add names with \
                 --host.",
            ),
            Failed::NotFound => words(StatusCode::NOT_FOUND, "not_found", "Not found", "Not found."),
            Failed::Method => words(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Not possible here",
                "The request's method may not be used here.",
            ),
            Failed::Conflict(message) => own(StatusCode::CONFLICT, "conflict", "Not done", message),
            Failed::Forbidden(message) => own(StatusCode::FORBIDDEN, "forbidden", "Not allowed", message),
            Failed::Refused(message) => own(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Not done", message),
            Failed::Later(_) => words(
                StatusCode::TOO_MANY_REQUESTS,
                "logins_too_many",
                "Too many failed logins",
                "There were too many failed logins. Wait a minute, then try again.",
            ),
            Failed::Behind => words(
                StatusCode::TOO_MANY_REQUESTS,
                "logins_under_way",
                "Other logins are under way",
                "Other logins from your network are being checked. Try again in a moment.",
            ),
            Failed::Problem(problem) => words(problem.status, problem.code, "Not understood", problem.detail),
            Failed::Unavailable => words(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "No answer now",
                "The server cannot answer now, and nothing was changed. Try again in a moment.",
            ),
            Failed::Broken => words(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something broke",
                "The request could not be carried out. Look at the list of tokens before you try again.",
            ),
        }
    }

    /// The value of `Retry-After`, in seconds.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        match self {
            Failed::Later(wait) => Some(Failures::retry_after(*wait)),
            Failed::Unavailable | Failed::Behind => Some(1),
            Failed::Problem(problem) => problem.retry_after,
            _ => None,
        }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut reply = Response::default();
        *reply.status_mut() = self.words().status;
        reply.extensions_mut().insert(self);
        reply
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Failed {
        Failed::Problem(problem)
    }
}

impl From<Error> for Failed {
    /// A refusal by the module or the store keeps its message. Any other failure reveals no internals.
    fn from(error: Error) -> Failed {
        use tokenlatch_core::ErrorCode;
        match &error {
            Error::Refused(refused) => match refused.code {
                ErrorCode::TokensDisabled | ErrorCode::AccountSuspended => {
                    Failed::Forbidden(sentence(&error.message()))
                }
                _ => Failed::Refused(sentence(&error.message())),
            },
            Error::PasswordLength | Error::PasswordCharacter => Failed::Refused(sentence(&error.message())),
            Error::Store(StoreError::AccountUnknown(_) | StoreError::TokenUnknown(_)) => Failed::NotFound,
            Error::Store(StoreError::TokenRevoked | StoreError::Conflict) => {
                Failed::Conflict(sentence(&error.message()))
            }
            Error::Store(StoreError::NameTaken | StoreError::HashTaken | StoreError::AccountExists) => {
                Failed::Refused(sentence(&error.message()))
            }
            _ => {
                tracing::error!(code = error.code(), "the page had no answer");
                Failed::Unavailable
            }
        }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed::from(Error::from(error))
    }
}

impl From<tokenlatch::EnvironmentError> for Failed {
    fn from(error: tokenlatch::EnvironmentError) -> Failed {
        Failed::from(Error::from(error))
    }
}

/// Turns a message into a sentence, with a capital letter and a full stop.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut text: String = first.to_uppercase().chain(letters).collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}
