//! `/json-api/cpanel`: API 2, and UAPI by the same path. RULES.md, 4. On the administrator's port, account functions are called
//! through it. The service answers none of those itself.

use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::{Extension, Request, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use tokenlatch_core::{API2_SELECTORS, Api, Call, Realm, Shape, calls_others, is_doubtful_selector};

use crate::api::forwarding::pass_on;
use crate::api::nested_calls::{self, ELSEWHERE};
use crate::api::whm::CPANEL;
use crate::auth::admitted::Admitted;
use crate::auth::authenticate::{EarlyReply, admit, malformed, recognise, reply_of};
use crate::auth::backend::Backend;
use crate::auth::calls;
use crate::body::read_body;
use crate::form::{Form, Kind, replace_body};
use crate::guard::catalogue_file::is_ours;
use crate::guard::upload;
use crate::middleware::client::Client;
use crate::problem::Problem;
use tokenlatch::FunctionCall;
use tokenlatch::Presented;

/// Parameters that select the function, and their meaning.
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
    "A parameter that selects the function is repeated, or is encoded in a way that servers read differently.",
);

/// Answers the service's own functions, forwards the others, and refuses API 1.
pub(crate) async fn account<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(call(state.as_ref(), &client, Realm::Account, request).await)
}

/// Forwards calls made on behalf of an account, and refuses API 1.
pub(crate) async fn admin<T: Backend>(
    Shared(state): Shared<Arc<T>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    reply_of(call(state.as_ref(), &client, Realm::Admin, request).await)
}

/// The API version and function that the parameters select.
pub(crate) struct Choice {
    api: Api,
    /// Whether the request states the version. The default is 2.
    versioned: bool,
    module: Option<String>,
    function: Option<String>,
}

impl Choice {
    /// Reads the version and function. Version 3 is UAPI. Version 2, or no version, is API 2. Any other version is API 1, which
    /// no token may use.
    pub(crate) fn of(form: &Form) -> Result<Choice, Problem> {
        if form.keys().any(|key| is_doubtful_selector(key.as_bytes())) {
            return Err(AMBIGUOUS);
        }
        // The user is ignored here, but the parameter must not be repeated.
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

    /// The call that the verifier decides on. For an administrator's token this is the right to call account functions at all: the
    /// catalogue's entries for those functions are about the accounts' own tokens.
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

    /// Whether the named function is not one of the service's own and cannot call one.
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

async fn call<T: Backend>(state: &T, client: &Client, realm: Realm, request: Request) -> Result<Response, EarlyReply> {
    let (mut parts, body) = request.into_parts();
    calls::check_method(&parts.method, false)?;
    let query = Form::of_query(parts.uri.query())?;
    if calls::holds_secret(query.keys()) {
        return Err(malformed(state).into());
    }
    // The body may select the function too, so it is read before the decision. Requests that would be refused anyway are refused
    // without reading it.
    let fields = state.credential_fields().of_request(&parts.headers);
    let presented = state.credential_fields().presented(&fields);
    if state.failures().blocked(client.counted()).is_some()
        || matches!(presented, Presented::Missing | Presented::Repeated)
    {
        admit(state, client, &parts.headers, &calls::nothing(realm)).await?;
        return Err(malformed(state).into());
    }
    // Only the module can say whether other fields hold a credential.
    if !body.is_end_stream() || matches!(presented, Presented::Fields(_)) {
        recognise(state, client, &parts.headers, realm).await?;
        let choice = Choice::of(&query)?;
        if parts.method == Method::POST && Kind::of(&parts.headers)? == Kind::Multipart && choice.is_anothers() {
            // The body may hold files, so it is forwarded as it arrives.
            let boundary = upload::boundary(&parts.headers)?;
            let admitted = admit(state, client, &parts.headers, &choice.call(realm)).await?;
            let body = upload::checked(body, &boundary);
            parts.headers.insert(CONTENT_TYPE, upload::content_type(&boundary)?);
            parts.uri = query_of(&with_owner(query, &admitted, realm), &choice, usize::MAX, false)?;
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
    let form = with_owner(form, &admitted, realm);
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
    let request = canonical_body(parts, &form, &choice, in_query, kind)?;
    Ok(pass_on(state, client, request, &admitted, realm).await)
}

/// Sets the user to the token's owner on the account port, whatever user the request names.
fn with_owner(mut form: Form, admitted: &Admitted, realm: Realm) -> Form {
    if realm == Realm::Account {
        form.replace(USER, &admitted.user);
    }
    form
}

/// Re-encodes the parameters in one canonical form. The upstream then reads exactly what the verifier decided on. The first
/// `in_query` parameters came in the query, the rest in a body of the given kind.
fn canonical_body(
    mut parts: Parts,
    form: &Form,
    choice: &Choice,
    in_query: usize,
    kind: Option<Kind>,
) -> Result<Request, Problem> {
    parts.uri = query_of(form, choice, in_query, kind == Some(Kind::Json))?;
    let kept = |key: &str| !API2_SELECTORS.contains(&key);
    Ok(replace_body(parts, kind.map(|kind| form.body(in_query, kind, kept))))
}

/// The target with the query parameters. It always states the version, and also what the body selected (`from_body`): some
/// servers do not look for the function in such a body.
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
