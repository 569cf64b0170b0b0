//! The form for an account's features, and its handler.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::response::Response;
use tokenlatch_core::{Features, MAX_FEATURES};

use super::{gone, path_of, user_of};
use crate::state::State;
use crate::web::admin::account::draw;
use crate::web::admin::features_form::{FeaturesForm, in_a_line};
use crate::web::form::{Posted, index, words};
use crate::web::list::ListView;
use crate::web::reply::{Failed, redirect_to, sentence};
use crate::web::tokens::Flash;
use tokenlatch::Error;

const UNCHOSEN: &str = "Choose what the account may do.";

/// Message for a form that did not contain the features in force when it was rendered.
const INCOMPLETE: &str = "The form lacks the previous features, so nothing was replaced. Send it again.";

/// Message for a form that was rendered before somebody else's change.
const CHANGED: &str = "The features were changed in the meantime, so nothing was replaced. Below is what you sent: send \
it again, or reload the account to see its features.";

/// The submitted features. Of a list that is too long, one more than the maximum is kept: that is enough for the module to refuse
/// it.
fn listed(list: &str) -> Vec<String> {
    words(list).take(MAX_FEATURES + 1).map(str::to_owned).collect()
}

/// Decodes the output of [`in_a_line`].
fn of_a_line(line: &str) -> Features {
    match line {
        "*" => Features::All,
        "" => Features::List(Vec::new()),
        list => Features::List(list.split(',').map(str::to_owned).collect()),
    }
}

pub(crate) async fn replace(
    Shared(state): Shared<Arc<State>>,
    Path(step): Path<String>,
    posted: Posted,
) -> Result<Response, Failed> {
    let user = user_of(&step);
    let list = posted.text("list");
    let (every, features) = match posted.text("features") {
        "all" => (true, Some(Features::All)),
        "list" => (false, Some(Features::List(listed(list)))),
        // Any other value is not a choice, so an account never gets all features by mistake.
        _ => (false, None),
    };
    let fault = match features {
        _ if !posted.has("was") => INCOMPLETE.to_owned(),
        None => UNCHOSEN.to_owned(),
        Some(features) => {
            let was = of_a_line(posted.text("was"));
            match state.service.replace_features(user, &was, features.clone()).await {
                Ok(true) => return Ok(redirect_to(format!("{}?done=features", path_of(&posted.visitor, user)))),
                Ok(false) => CHANGED.to_owned(),
                Err(Error::Refused(refused)) => fault_of(&features, &refused),
                Err(error) => return Err(gone(error)),
            }
        }
    };
    let account = state.service.account(user).await.map_err(gone)?;
    let form = FeaturesForm {
        every,
        list: list.to_owned(),
        // Only a user who was told of the other change may overwrite it.
        was: match fault.as_str() {
            INCOMPLETE | CHANGED => in_a_line(&account.account.features),
            _ => posted.text("was").to_owned(),
        },
        fault: Some(fault),
    };
    let view = ListView::posted(&posted);
    draw(&state, &posted.visitor, user, &view, Flash::default(), Some(form)).await
}

/// The refusal, with the feature that it is about.
fn fault_of(features: &Features, refused: &tokenlatch_core::Error) -> String {
    let message = sentence(&refused.message);
    match (features, refused.field.as_deref().and_then(index)) {
        (Features::List(list), Some(index)) => match list.get(index) {
            Some(feature) => format!("“{feature}”: {message}"),
            None => message,
        },
        _ => message,
    }
}
