//! The page of one account: its features, its status, and its tokens.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use tokenlatch_core::Policy;

use super::{gone, path_of, user_of};
use crate::state::State;
use crate::web::admin::features_form::FeaturesForm;
use crate::web::form::{Asked, Posted};
use crate::web::layout::Layout;
use crate::web::list::{ListView, TokenList};
use crate::web::reply::{Failed, html, redirect_to};
use crate::web::session::Visitor;
use crate::web::tokens::{Flash, done};
use crate::web::view::{Moment, count};
use tokenlatch::StoredAccount;

const DAY: i64 = 86_400;

/// The page of an account, with its actions.
#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    layout: Layout<'a>,
    accounts: String,
    csrf: &'a str,
    user: &'a str,
    account: &'a StoredAccount,
    created: Moment,
    policy: String,
    own: bool,
    done: Option<String>,
    fault: Option<String>,
    form: FeaturesForm,
    list: TokenList,
}

/// The confirmation page for suspending an account.
#[derive(Template)]
#[template(path = "suspend.html")]
struct SuspendPage<'a> {
    layout: Layout<'a>,
    base: String,
    csrf: &'a str,
    user: &'a str,
    tokens: String,
}

pub(crate) async fn show(
    Shared(state): Shared<Arc<State>>,
    visitor: Visitor,
    Path(step): Path<String>,
    asked: Asked,
) -> Result<Response, Failed> {
    let view = ListView::asked(&asked, None);
    let flash = Flash {
        done: match asked.text("done") {
            "features" => Some("The features were replaced. They apply to all tokens of the account.".to_owned()),
            "suspended" => Some("The account is suspended. Its tokens are refused.".to_owned()),
            "resumed" => Some("The account is resumed. Its tokens work again.".to_owned()),
            _ => done(&asked),
        },
        fault: None,
    };
    draw(&state, &visitor, user_of(&step), &view, flash, None).await
}

/// Renders the account's page. If the submitted form had a fault, the status is an error.
pub(crate) async fn draw(
    state: &State,
    visitor: &Visitor,
    user: &str,
    view: &ListView,
    flash: Flash,
    form: Option<FeaturesForm>,
) -> Result<Response, Failed> {
    let account = state.service.account(user).await?;
    let mut list = TokenList::read(state, user, None, view, path_of(visitor, user), false).await?;
    let fault = list.refused.take().or(flash.fault);
    let zone = *state.service.zone();
    let form = form.unwrap_or_else(|| FeaturesForm::of(&account.account.features));
    let wrong = fault.is_some() || form.fault.is_some();
    let title = format!("Account {user}");
    let page = AccountPage {
        layout: Layout::of(state, visitor, &title),
        accounts: visitor.path("/accounts"),
        csrf: &visitor.csrf,
        user,
        created: Moment::of(zone, account.created),
        policy: policy(account.policy),
        own: visitor.user == user,
        account: &account,
        done: flash.done,
        fault,
        form,
        list,
    };
    let status = if wrong {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok(html(status, page))
}

/// The policy for new tokens, as text.
fn policy(policy: Policy) -> String {
    match (policy.max_lifetime, policy.expiry_required) {
        (Some(seconds), _) if seconds % DAY == 0 => {
            format!(
                "Live {} at most",
                count(usize::try_from(seconds / DAY).unwrap_or_default(), "day")
            )
        }
        (Some(seconds), _) => format!("Live {seconds} seconds at most"),
        (None, true) => "Need an expiration date".to_owned(),
        (None, false) => "Need no expiration date".to_owned(),
    }
}

/// Redirects GET requests for form-only paths to the account's page.
pub(crate) async fn back(visitor: Visitor, Path(step): Path<String>) -> Response {
    redirect_to(path_of(&visitor, user_of(&step)))
}

/// GET: asks for confirmation.
pub(crate) async fn ask(
    Shared(state): Shared<Arc<State>>,
    visitor: Visitor,
    Path(step): Path<String>,
) -> Result<Response, Failed> {
    let user = user_of(&step);
    let account = state.service.account(user).await?;
    not_own(&visitor, user)?;
    let title = format!("Suspend {user}");
    let page = SuspendPage {
        layout: Layout::of(&state, &visitor, &title),
        base: path_of(&visitor, user),
        csrf: &visitor.csrf,
        user,
        tokens: count(usize::try_from(account.live_tokens).unwrap_or(usize::MAX), "API token"),
    };
    Ok(html(StatusCode::OK, page))
}

pub(crate) async fn suspend(
    Shared(state): Shared<Arc<State>>,
    Path(step): Path<String>,
    posted: Posted,
) -> Result<Response, Failed> {
    let user = user_of(&step);
    not_own(&posted.visitor, user)?;
    set(&state, &posted.visitor, user, true).await
}

pub(crate) async fn resume(
    Shared(state): Shared<Arc<State>>,
    Path(step): Path<String>,
    posted: Posted,
) -> Result<Response, Failed> {
    set(&state, &posted.visitor, user_of(&step), false).await
}

async fn set(state: &State, visitor: &Visitor, user: &str, suspended: bool) -> Result<Response, Failed> {
    state.service.set_suspended(user, suspended).await.map_err(gone)?;
    let done = if suspended { "suspended" } else { "resumed" };
    Ok(redirect_to(format!("{}?done={done}", path_of(visitor, user))))
}

/// Refuses suspending one's own account: the user would be logged out, and perhaps nobody could undo it here.
fn not_own(visitor: &Visitor, user: &str) -> Result<(), Failed> {
    if visitor.user == user {
        let message = "You cannot suspend your own account: you would be logged out, and could not undo it here.";
        return Err(Failed::Conflict(message.to_owned()));
    }
    Ok(())
}
