//! What an account may do: the form, and what becomes of it.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use tokenlatch_core::Features;

use super::super::super::state::State;
use super::super::form::Posted;
use super::super::list::ListView;
use super::super::reply::{Failed, see, sentence};
use super::super::tokens::Told;
use super::account::draw;
use super::{gone, path_of, user_of};
use crate::error::Error;

const UNCHOSEN: &str = "Choose what the account may do.";

/// What is said where the form was drawn before somebody else's change.
const CHANGED: &str = "The features were changed meanwhile, so nothing was replaced. This is what you have sent: open \
                       the account anew to see what holds, or send this once more.";

/// The form of an account's features.
pub(super) struct FeaturesForm {
    /// Whether it is every feature.
    pub(super) every: bool,
    /// One a line.
    pub(super) list: String,
    /// What was in force when the form was drawn.
    pub(super) was: String,
    /// What is wrong with what was sent.
    pub(super) fault: Option<String>,
}

impl FeaturesForm {
    /// The form before anybody has touched it.
    pub(super) fn of(features: &Features) -> FeaturesForm {
        let (every, list) = match features {
            Features::All => (true, String::new()),
            Features::List(list) => (false, list.join("\n")),
        };
        FeaturesForm {
            every,
            list,
            was: in_a_line(features),
            fault: None,
        }
    }
}

/// Features in one line; `*`, which no feature is, for all.
fn in_a_line(features: &Features) -> String {
    match features {
        Features::All => "*".to_owned(),
        Features::List(list) => list.join(","),
    }
}

pub(super) async fn replace(
    Shared(state): Shared<Arc<State>>,
    Path(step): Path<String>,
    posted: Posted,
) -> Result<Response, Failed> {
    let user = user_of(&step);
    let account = state.service.account(user).await.map_err(gone)?;
    let now = in_a_line(&account.account.features);
    let list = posted.text("list");
    let features = match posted.text("features") {
        "all" => Features::All,
        _ => Features::List(names(list)),
    };
    let fault = if posted.has("was") && posted.text("was") != now {
        CHANGED.to_owned()
    } else if !matches!(posted.text("features"), "all" | "list") {
        // What neither choice says is no choice: an account never gets every feature by a slip.
        UNCHOSEN.to_owned()
    } else {
        match state.service.set_features(user, features.clone()).await {
            Ok(()) => return Ok(see(format!("{}?done=features", path_of(&posted.visitor, user)))),
            Err(Error::Refused(refused)) => fault_of(&features, &refused),
            Err(error) => return Err(gone(error)),
        }
    };
    let form = FeaturesForm {
        every: features == Features::All,
        list: list.to_owned(),
        was: now,
        fault: Some(fault),
    };
    let view = ListView::posted(&posted);
    draw(&state, &posted.visitor, user, &view, Told::default(), Some(form)).await
}

/// The features of a list as people write it: one a line, or with commas or spaces.
fn names(list: &str) -> Vec<String> {
    list.split(|letter: char| letter == ',' || letter.is_whitespace())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The refusal with the feature that it is about.
fn fault_of(features: &Features, refused: &tokenlatch_core::Error) -> String {
    let message = sentence(&refused.message);
    let index = refused.field.as_deref().and_then(|field| {
        let (_, rest) = field.rsplit_once('[')?;
        rest.strip_suffix(']')?.parse::<usize>().ok()
    });
    match (features, index) {
        (Features::List(list), Some(index)) => match list.get(index) {
            Some(feature) => format!("“{feature}”: {message}"),
            None => message,
        },
        _ => message,
    }
}
