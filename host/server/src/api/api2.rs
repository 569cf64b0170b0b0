//! `/json-api/cpanel`: API 2, and UAPI by the same path. RULES.md, 4. On the administrator's port it is a function like
//! any other there, by which functions of accounts are called; the service answers none of them.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Extension, Request, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use tokenlatch_core::{API2_SELECTORS, Api, Call, Realm, Shape, calls_others, is_doubtful_selector};

use crate::api::body::read_body;
use crate::api::calls;
use crate::api::form::{FORM, Form, JSON, Kind};
use crate::api::nested_calls::{self, ELSEWHERE};
use crate::api::whm::CPANEL;
use crate::auth::authenticate::{Admitted, Ended, admit, malformed, recognise, reply_of};
use crate::auth::backend::Backend;
use crate::guard::catalogue_file::is_ours;
use crate::guard::upload;
use crate::guard::upstream::pass_on;
use crate::middleware::client::Client;
use crate::problem::Problem;
use tokenlatch::FunctionCall;

/// The parameters that choose the function, and their meaning.
const VERSION: &str = "cpanel_jsonapi_apiversion";
const MODULE: &str = "cpanel_jsonapi_module";
const FUNCTION: &str = "cpanel_jsonapi_func";
const USER: &str = "cpanel_jsonapi_user";

const INCOMPLETE: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "function_missing",
    "The parameters cpanel_jsonapi_module and cpanel_jsonapi_func name the function.",
);
const AMBIGUOUS: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "parameter_ambiguous",
    "A parameter that chooses the function stands twice, or is spelt in a way that servers read differently.",
);

/// Answers a function of ours, passes any other on, and refuses API 1.
pub(crate) async fn account<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(call(state.as_ref(), &client, Realm::Account, request).await)
}

/// Passes on what is called for an account, and refuses API 1.
pub(crate) async fn admin<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(call(state.as_ref(), &client, Realm::Admin, request).await)
}

/// What the parameters choose.
pub(crate) struct Choice {
    api: Api,
    /// Whether the version is said: one that isn't is 2.
    versioned: bool,
    module: Option<String>,
    function: Option<String>,
}

impl Choice {
    /// Reads the choice. Version 3 is UAPI; 2, or none, is API 2; every other is API 1, which no token can use.
    pub(crate) fn of(form: &Form) -> Result<Choice, Problem> {
        if form.keys().any(|key| is_doubtful_selector(key.as_bytes())) {
            return Err(AMBIGUOUS);
        }
        // Whoever it names, it may be named once.
        form.one(USER)?;
        let version = form.one(VERSION)?;
        let api = match version.as_deref() {
            None | Some("2") => Api::Api2,
            Some("3") => Api::Uapi,
            _ => Api::Api1,
        };
        let name = |key| Ok::<_, Problem>(form.one(key)?.filter(|name| calls::is_name(name)));
        Ok(Choice {
            api,
            versioned: version.is_some(),
            module: name(MODULE)?,
            function: name(FUNCTION)?,
        })
    }

    /// The call that the gate decides on. An administrator's token needs the right to call functions of accounts at all:
    /// what is in the catalogue of those is about the accounts' own tokens.
    pub(crate) fn call(&self, realm: Realm) -> Call {
        match (realm, &self.module, &self.function) {
            (Realm::Account, Some(module), Some(function)) => calls::function(self.api, module, function, realm),
            (Realm::Admin, Some(_), Some(_)) if self.api != Api::Api1 => calls::whm(CPANEL),
            _ => Call {
                api: Some(self.api),
                ..calls::nothing(realm)
            },
        }
    }

    /// Whether a function is named that isn't one of ours, and calls none of ours.
    fn is_anothers(&self) -> bool {
        let named = self.module.as_deref().zip(self.function.as_deref());
        named.is_some_and(|(module, function)| !is_ours(module, function) && !calls_others(module, function))
    }

    fn shape(&self) -> Shape {
        if self.api == Api::Uapi {
            Shape::UapiCommand
        } else {
            Shape::Api2
        }
    }
}

/// Whether some server would take a key for one that chooses the function.
pub(crate) fn chooses(key: &str) -> bool {
    API2_SELECTORS.contains(&key.trim()) || is_doubtful_selector(key.as_bytes())
}

async fn call<T: Backend>(state: &T, client: &Client, realm: Realm, request: Request) -> Result<Response, Ended> {
    let (mut parts, body) = request.into_parts();
    calls::check_method(&parts.method, false)?;
    let query = Form::of_query(parts.uri.query())?;
    if calls::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    // The body may choose the function too, so it is read before that is decided; but not for just anybody.
    if state.failures().blocked(client.counted()).is_some() || parts.headers.get_all(AUTHORIZATION).iter().count() != 1
    {
        admit(state, client, &parts.headers, &calls::nothing(realm)).await?;
        return Err(malformed(state).into());
    }
    if !body.is_end_stream() {
        recognise(state, client, &parts.headers, realm).await?;
        let choice = Choice::of(&query)?;
        if parts.method == Method::POST && Kind::of(&parts.headers)? == Kind::Multipart && choice.is_anothers() {
            // It may hold files, so it goes on while it comes in.
            let boundary = upload::boundary(&parts.headers)?;
            let admitted = admit(state, client, &parts.headers, &choice.call(realm)).await?;
            let body = upload::checked(body, &boundary);
            parts.headers.insert(CONTENT_TYPE, upload::content_type(&boundary)?);
            parts.uri = query_of(&own(query, &admitted, realm), &choice, usize::MAX, false)?;
            let request = Request::from_parts(parts, body);
            return Ok(pass_on(state, client, request, &admitted, realm).await);
        }
    }
    let in_query = query.len();
    let bytes = read_body(body, &state.config().limits).await?;
    let mut form = query;
    let kind = form.add_body(&parts, bytes).await?;
    let choice = Choice::of(&form)?;
    let admitted = admit(state, client, &parts.headers, &choice.call(realm)).await?;
    let form = own(form, &admitted, realm);
    let (Some(module), Some(function)) = (&choice.module, &choice.function) else {
        return Ok(admitted.sign(INCOMPLETE));
    };
    if is_ours(module, function) {
        calls::check_method(&parts.method, true).map_err(|problem| admitted.sign(problem))?;
        if realm == Realm::Admin {
            return Ok(admitted.sign(ELSEWHERE));
        }
        if !T::MANAGES || module != "Tokens" || !FunctionCall::exists(choice.shape(), function) {
            return Ok(admitted.sign(calls::NO_FUNCTION));
        }
        let reply = state.manage(&admitted, choice.shape(), function, form).await;
        return Ok(admitted.sign(reply));
    }
    if calls_others(module, function) && nested_calls::names_ours(&form.pairs(), 0) {
        return Ok(admitted.sign(ELSEWHERE));
    }
    let request = retold(parts, &form, &choice, in_query, kind)?;
    Ok(pass_on(state, client, request, &admitted, realm).await)
}

/// On the account port a call is the token owner's, whoever it names: the API is told so.
fn own(mut form: Form, admitted: &Admitted, realm: Realm) -> Form {
    if realm == Realm::Account {
        form.replace(USER, &admitted.user);
    }
    form
}

/// The request with its parameters in one spelling, the one that was read here: what the upstream reads is what the
/// gate decided on. `in_query` of the parameters came in the query, the others in a body of that kind.
fn retold(
    mut parts: Parts,
    form: &Form,
    choice: &Choice,
    in_query: usize,
    kind: Option<Kind>,
) -> Result<Request, Problem> {
    parts.uri = query_of(form, choice, in_query, kind == Some(Kind::Json))?;
    parts.headers.remove(TRANSFER_ENCODING);
    parts.headers.remove(CONTENT_LENGTH);
    let (content_type, body) = match kind {
        None => return Ok(Request::from_parts(parts, Body::empty())),
        Some(Kind::Json) => (JSON, form.json_object(in_query, |key| !API2_SELECTORS.contains(&key))),
        // The parts of a body that is cut into parts can be read in more than one way, so it goes on as a form.
        Some(_) => (FORM, form.encoded(in_query, form.len()).into_bytes()),
    };
    parts.headers.insert(CONTENT_TYPE, content_type);
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// The target with the parameters of the query. What chooses the function there is said in any case: its version, and
/// `from_body` what the body chose, for not every server looks for that in such a body.
fn query_of(form: &Form, choice: &Choice, in_query: usize, from_body: bool) -> Result<Uri, Problem> {
    let mut query = form_urlencoded::Serializer::new(form.encoded(0, in_query));
    for key in API2_SELECTORS.iter().filter(|key| from_body && form.has(in_query, key)) {
        query.append_pair(key, &form.one(key)?.unwrap_or_default());
    }
    if !choice.versioned {
        query.append_pair(VERSION, "2");
    }
    Uri::try_from(format!("/json-api/cpanel?{}", query.finish())).map_err(|_| Problem::NOT_FOUND)
}
