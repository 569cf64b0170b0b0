//! Creates a token: the form, and the page that shows the token once.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokenlatch_core::{Access, Created, MAX_NAME, SecretString};

use crate::form::JSON;
use crate::state::State;
use crate::web::create_form::{CreateForm, Fault, FormChoices, faults_of, with_others};
use crate::web::form::{Asked, Posted, new_once};
use crate::web::layout::Layout;
use crate::web::notice::NoticePage;
use crate::web::reply::{Failed, html, redirect_to, sentence};
use crate::web::session::Visitor;
use crate::web::tokens::{LIST, curl};
use crate::web::view::{Moment, access};
use tokenlatch::Error;
use tokenlatch::StoreError;

/// The page with the form.
#[derive(Template)]
#[template(path = "create.html")]
struct CreatePage<'a> {
    layout: Layout<'a>,
    base: String,
    csrf: &'a str,
    once: String,
    most: usize,
    form: CreateForm,
    offer: FormChoices,
    faults: Vec<Fault>,
}

impl CreatePage<'_> {
    /// The fault of a field, if it has one.
    fn fault(&self, field: &str) -> Option<&str> {
        let fault = self.faults.iter().find(|fault| fault.field == field)?;
        Some(&fault.message)
    }

    /// The attributes that link a field to its hints and its fault. None of their text comes from outside.
    fn marks(&self, field: &str, hints: &str) -> String {
        match (self.fault(field), hints) {
            (None, "") => String::new(),
            (None, hints) => format!(r#" aria-describedby="{hints}""#),
            (Some(_), hints) => format!(r#" aria-describedby="{hints} {field}-fault" aria-invalid="true""#),
        }
    }
}

/// The only page that contains a token's text.
#[derive(Template)]
#[template(path = "created.html")]
struct CreatedPage<'a> {
    layout: Layout<'a>,
    base: String,
    csrf: &'a str,
    token: &'a SecretString,
    name: &'a str,
    expires: Option<Moment>,
    access: Option<String>,
    curl: String,
    full: bool,
}

pub(crate) async fn form(
    Shared(state): Shared<Arc<State>>,
    visitor: Visitor,
    asked: Asked,
) -> Result<Response, Failed> {
    let offer = FormChoices::of(&state, &visitor.user).await?;
    let form = CreateForm::fresh(&offer, asked.text("name"));
    Ok(filled(&state, &visitor, form, offer, Vec::new()))
}

fn filled(state: &State, visitor: &Visitor, form: CreateForm, mut offer: FormChoices, faults: Vec<Fault>) -> Response {
    offer.choose(&form.features);
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = CreatePage {
        layout: Layout::of(state, visitor, "Create API Token"),
        base: visitor.path("/tokens"),
        csrf: &visitor.csrf,
        once: new_once(),
        most: MAX_NAME,
        form: form.offered(&offer),
        offer,
        faults,
    };
    html(status, page)
}

pub(crate) async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, Failed> {
    let visitor = &posted.visitor;
    let offer = FormChoices::of(&state, &visitor.user).await?;
    let form = CreateForm::posted(&posted);
    let wanted = match form.token(&visitor.user) {
        Ok(wanted) => wanted,
        Err(fault) => {
            let faults = with_others(&state, &form, fault).await;
            return Ok(filled(&state, visitor, form, offer, faults));
        }
    };
    // Done before the token is created, so that of two concurrent submissions only one goes on.
    if !posted.consume_once(&state).await? {
        return Ok(spent(&state, visitor));
    }
    match state.service.create(wanted).await {
        Ok(created) => Ok(shown(&state, visitor, &headers, &created)),
        Err(error @ (Error::Refused(_) | Error::Store(StoreError::NameTaken))) => {
            let faults = faults_of(&state, &form, &error).await;
            Ok(filled(&state, visitor, form, offer, faults))
        }
        Err(error) => Ok(unknown(&state, visitor, &error)),
    }
}

/// Shows a token's text, once. The token exists now, so no further check may fail here.
fn shown(state: &State, visitor: &Visitor, headers: &HeaderMap, created: &Created) -> Response {
    let zone = *state.service.zone();
    let record = &created.record;
    // For a limited token no example is shown: only its owner knows which functions it may call.
    let full = record.access == Access::Full;
    let page = CreatedPage {
        layout: Layout::of(state, visitor, "API Token Created"),
        base: visitor.path("/tokens"),
        csrf: &visitor.csrf,
        token: &created.token,
        name: &record.name,
        expires: record.expires.map(|at| Moment::of(zone, at)),
        access: state.service.describe(record).map(|token| access(&token)).ok(),
        curl: curl(
            state,
            headers,
            &visitor.user,
            if full { LIST } else { "MODULE/FUNCTION" },
        ),
        full,
    };
    html(StatusCode::OK, page)
}

/// The reply if the store failed and may have kept the token. Nobody knows that token's text.
fn unknown(state: &State, visitor: &Visitor, error: &Error) -> Response {
    tracing::error!(code = error.code(), "it is unknown whether a token was created");
    let page = NoticePage {
        layout: Layout::of(state, visitor, "No answer now"),
        lines: &[
            "The server could not finish the request. It is unknown whether the API token was created.",
            "Check your API tokens: if it exists, revoke it, because it can’t be shown again. Then create another.",
        ],
        links: &next_links(visitor),
    };
    html(StatusCode::SERVICE_UNAVAILABLE, page)
}

fn next_links(visitor: &Visitor) -> [(&'static str, String); 2] {
    [
        ("Manage API Tokens", visitor.path("/tokens")),
        ("Create another API token", visitor.path("/tokens/new")),
    ]
}

/// The reply to a form that was submitted before. It creates no second token, and does not show the first again.
fn spent(state: &State, visitor: &Visitor) -> Response {
    let page = NoticePage {
        layout: Layout::of(state, visitor, "This form was already sent"),
        lines: &[
            "Nothing was created this time. The API token that the form created before, if it did, can’t be shown again.",
            "If you didn’t save it, revoke it and create another.",
        ],
        links: &next_links(visitor),
    };
    html(StatusCode::CONFLICT, page)
}

pub(crate) async fn saved(posted: Posted) -> Response {
    let next = if posted.has("another") {
        "/tokens/new"
    } else {
        "/tokens"
    };
    redirect_to(posted.visitor.path(next))
}

/// The result of the name check while a user types.
#[derive(Serialize)]
struct NameCheck {
    ok: bool,
    message: String,
    left: i64,
}

pub(crate) async fn name(
    Shared(state): Shared<Arc<State>>,
    visitor: Visitor,
    asked: Asked,
) -> Result<Response, Failed> {
    let name = asked.text("name");
    let long = i64::try_from(name.chars().count()).unwrap_or(i64::MAX);
    let most = i64::try_from(MAX_NAME).unwrap_or_default();
    let (ok, message) = match state.service.check_name(&visitor.user, name).await {
        Ok(()) => (true, "This name can be used.".to_owned()),
        Err(error @ Error::Refused(_)) => (false, sentence(&error.message())),
        Err(error) => return Err(error.into()),
    };
    let judged = NameCheck {
        ok,
        message,
        left: most.saturating_sub(long),
    };
    let Ok(text) = serde_json::to_string(&judged) else {
        return Err(Failed::Broken);
    };
    Ok(([(CONTENT_TYPE, JSON)], text).into_response())
}
