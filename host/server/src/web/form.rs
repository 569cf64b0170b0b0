//! User input: the query of a URL, and the form of a POST. Both are parsed strictly, and the CSRF value is checked.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::body::read_body;
use crate::config::HttpLimits;
use crate::form::{Form, Kind};
use crate::middleware::request_id::RequestId;
use crate::problem::Problem;
use crate::state::State;
use crate::web::reply::Failed;
use crate::web::session::{Visitor, digest, equal_in_constant_time};

/// The parameters that may be repeated: check boxes with the same name.
const REPEATED: &[&str] = &["id", "shown", "feature"];

/// Maximum body of a form, in bytes: well above the longest list of features.
const FORM_BYTES: usize = 256 << 10;

const TWICE: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "parameter_repeated",
    "A parameter is repeated.",
);

const NUL: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "parameter_nul",
    "A parameter contains a NUL character.",
);

/// The refusal of any other content type: the web interface's forms have none of them.
const NO_FORM: Problem = Problem::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "content_type_unsupported",
    "The body must be a form, urlencoded and in UTF-8.",
);

/// The form of a POST by a logged-in user. It is wiped on drop.
pub(crate) struct Posted {
    /// The user who sent it.
    pub(crate) visitor: Visitor,
    form: Form,
}

impl Posted {
    /// The text of a parameter; empty if it is absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.form.text(name)
    }

    /// The texts of a parameter that may be repeated.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.form.texts(name)
    }

    /// Whether a parameter is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.form.texts(name).next().is_some()
    }

    /// Marks this form's `once` value as used. Returns whether it was unused. Call it just before an action that must not be
    /// repeated. The value is kept as long as the session can last.
    pub(crate) async fn consume_once(&self, state: &State) -> Result<bool, Failed> {
        let once = self.text("once");
        if RequestId::read(once.as_bytes()).is_none() {
            return Err(Failed::Stale);
        }
        let key = digest(&[&self.visitor.key, once]);
        Ok(state.service.store().spend_form(&key, self.visitor.ends).await?)
    }
}

/// Creates a value for the hidden field `once` of a form that must not work twice. It need not be secret, only unique within a
/// session: others cannot submit the form without the CSRF value.
pub(crate) fn new_once() -> String {
    RequestId::new().as_str().to_owned()
}

/// Splits a list that was typed into one field, at line ends, commas and spaces.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| letter == ',' || letter.is_whitespace());
    words.filter(|word| !word.is_empty())
}

/// The list index in an error's path, such as `addresses[3]`.
pub(crate) fn index(path: &str) -> Option<usize> {
    let (_, rest) = path.split_once('[')?;
    rest.split_once(']')?.0.parse().ok()
}

impl FromRequest<Arc<State>> for Posted {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Posted, Failed> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let form = read(&parts, body, &state.config.limits).await?;
        if !equal_in_constant_time(form.text("csrf"), &visitor.csrf) {
            return Err(Failed::Stale);
        }
        Ok(Posted { visitor, form })
    }
}

/// The query of a URL.
pub(crate) struct Asked(Form);

impl Asked {
    /// The text of a parameter; empty if it is absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.text(name)
    }

    /// Whether a parameter is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.texts(name).next().is_some()
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked, Failed> {
        let form = Form::of_query(parts.uri.query())?;
        check(&form)?;
        Ok(Asked(form))
    }
}

/// Reads the request's body into memory. A body that is not a form is left unread, and no handler here reads it.
pub(crate) async fn taken_in(request: Request, limits: &HttpLimits) -> Result<Request, Failed> {
    let (parts, body) = request.into_parts();
    is_form(&parts, &body)?;
    let bytes = read_body(body, &of_a_form(limits)).await?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Reads the form in a body.
pub(crate) async fn read(parts: &Parts, body: Body, limits: &HttpLimits) -> Result<Form, Problem> {
    is_form(parts, &body)?;
    let form = Form::default().with_body(parts, body, &of_a_form(limits)).await?;
    check(&form)?;
    Ok(form)
}

/// The limits, with the smaller one for the body of a form.
fn of_a_form(limits: &HttpLimits) -> HttpLimits {
    HttpLimits {
        body_bytes: limits.body_bytes.min(FORM_BYTES),
        ..*limits
    }
}

fn is_form(parts: &Parts, body: &Body) -> Result<(), Problem> {
    if !body.is_end_stream() && Kind::of(&parts.headers).ok() != Some(Kind::Urlencoded) {
        return Err(NO_FORM);
    }
    Ok(())
}

/// Refuses repeated parameters, which two parsers could read differently, and NUL, which a user does not type and some databases
/// do not store.
fn check(form: &Form) -> Result<(), Problem> {
    let mut keys: Vec<&str> = form.keys().filter(|key| !REPEATED.contains(key)).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(TWICE);
    }
    if form.all_texts().any(|text| text.contains('\0')) {
        return Err(NUL);
    }
    Ok(())
}
