//! The form for a new token: its choices, the submitted values, and their faults.

use std::collections::{BTreeSet, HashSet};

use chrono::NaiveDate;
use tokenlatch_core::{
    Access, Error as Refusal, ExpiryInput, Features, MAX_ADDRESSES, MAX_FEATURES, ValidExpiry, ValidateRequest,
    Validated,
};

use crate::state::State;
use crate::web::form::{Posted, index, words};
use crate::web::reply::{Failed, sentence};
use crate::web::view::Moment;
use tokenlatch::offload;
use tokenlatch::{Error, Result};
use tokenlatch::{ExpiryTerms, NewToken, Service};

/// A fault, and the field that it belongs to, if it belongs to one.
pub(crate) struct Fault {
    /// The id of the field; empty if it belongs to none.
    pub(crate) field: &'static str,
    /// The message, a sentence.
    pub(crate) message: String,
}

impl Fault {
    fn at(field: &'static str, message: impl Into<String>) -> Fault {
        Fault {
            field,
            message: message.into(),
        }
    }

    /// Assigns the module's message to the form field that it is about.
    fn of(refusal: &Refusal, addresses: &[String]) -> Fault {
        let path = refusal.field.as_deref().unwrap_or_default();
        let message = sentence(&refusal.message);
        match path.split(['.', '[']).next() {
            Some("name") => Fault::at("name", message),
            Some("expires") => Fault::at("date", message),
            Some("access") => Fault::at("access", message),
            Some("addresses") => match index(path).and_then(|index| addresses.get(index)) {
                Some(address) => Fault::at("addresses", format!("“{}”: {}.", isolated(address), refusal.message)),
                None => Fault::at("addresses", message),
            },
            _ => Fault::at("", message),
        }
    }
}

/// Isolates a user's text within a sentence (Unicode UAX 9, FSI and PDI), so that it cannot reorder the words around it.
fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

/// A feature that can be selected.
pub(crate) struct Choice {
    /// The feature.
    pub(crate) feature: String,
    /// Whether it is selected.
    pub(crate) chosen: bool,
}

/// The choices that the form offers to an account.
pub(crate) struct FormChoices {
    /// The initial date.
    pub(crate) date: String,
    /// Whether a whole day may be chosen. The policy may allow only some hours.
    pub(crate) dated: bool,
    /// Today, in the server's zone.
    pub(crate) today: String,
    /// The name of the server's zone.
    pub(crate) zone: &'static str,
    /// The latest allowed expiry, if it comes before the end of the default date.
    pub(crate) longest: Option<Moment>,
    /// The reason why a token must expire, if it must.
    pub(crate) never_refused: Option<String>,
    /// The features that can be selected.
    pub(crate) choices: Vec<Choice>,
    /// Whether other features can be entered too.
    pub(crate) open: bool,
}

impl FormChoices {
    /// The choices that the module and the catalogue allow an account now.
    ///
    /// # Errors
    /// `tokens_disabled`, `account_suspended`; failures of the module and the store.
    pub(crate) async fn of(state: &State, user: &str) -> Result<FormChoices, Failed> {
        let service = &state.service;
        let zone = *service.zone();
        let account = service.account(user).await?.account;
        let ExpiryTerms { default, never_refused } = service.expiry_terms(user).await?;
        let now = service.clock().now()?;
        let day = |at: i64| zone.show(at).chars().take(10).collect::<String>();
        let today = day(now);
        let date = day(default);
        // If the policy limits the lifetime, the default is not the end of a day. The day before is then the last whole one.
        let whole = end_of(service, now, &date)? == Some(default);
        let (open, features) = features(state, account.features).await?;
        Ok(FormChoices {
            dated: whole || date != today,
            date: if whole { date } else { day_before(&date) },
            today,
            zone: zone.name(),
            longest: (!whole).then(|| Moment::of(zone, default)),
            never_refused: never_refused.map(|refused| sentence(&refused.message)),
            choices: features
                .into_iter()
                .map(|feature| Choice { feature, chosen: false })
                .collect(),
            open,
        })
    }

    /// Selects these features.
    pub(crate) fn choose(&mut self, chosen: &[String]) {
        let chosen: HashSet<&String> = chosen.iter().collect();
        for choice in &mut self.choices {
            choice.chosen = chosen.contains(&choice.feature);
        }
    }
}

/// The instant at which a token with this expiry date ends.
fn end_of(service: &Service, now: i64, date: &str) -> Result<Option<i64>> {
    let valid = service.module().validate(&ValidateRequest {
        expires: Some(ExpiryInput::Text(date.to_owned())),
        now: Some(now),
        zone: service.zone().table(now),
        ..ValidateRequest::default()
    })?;
    Ok(match valid.expires {
        Some(ValidExpiry::At(at)) => Some(at),
        _ => None,
    })
}

fn day_before(date: &str) -> String {
    let day = date.parse::<NaiveDate>().ok().and_then(|day| day.pred_opt());
    day.map_or_else(|| date.to_owned(), |day| day.to_string())
}

/// The features to select from, sorted, and whether the account also has others.
async fn features(state: &State, own: Features) -> Result<(bool, BTreeSet<String>)> {
    match own {
        Features::List(list) => Ok((false, list.into_iter().collect())),
        Features::All => {
            let (module, file) = (state.service.module().clone(), state.catalogue.clone());
            let features = offload::run(move || {
                // If the file has become unreadable, the verifier goes on with the catalogue that it has, and so does this form.
                let catalogue = file.read(&module).unwrap_or_default().unwrap_or_default();
                let functions = match catalogue.functions {
                    Some(functions) => functions,
                    None => module.functions()?.functions,
                };
                let of_functions = functions.into_iter().map(|function| function.feature);
                let of_routes = catalogue.routes.into_iter().map(|route| route.feature);
                Ok::<_, Error>(of_functions.chain(of_routes).flatten().collect())
            });
            Ok((true, features.await??))
        }
    }
}

/// The values of a submitted form.
#[derive(Default)]
pub(crate) struct CreateForm {
    /// The name.
    pub(crate) name: String,
    /// `never`, `date` or `longest`.
    pub(crate) expiry: String,
    /// The date.
    pub(crate) date: String,
    /// `full` or `limited`.
    pub(crate) access: String,
    /// The features checked.
    pub(crate) features: Vec<String>,
    /// Other features, as entered.
    pub(crate) others: String,
    /// Whether the token is read-only.
    pub(crate) readonly: bool,
    /// The addresses, as entered.
    pub(crate) addresses: String,
}

impl CreateForm {
    /// The initial form.
    pub(crate) fn fresh(offer: &FormChoices, name: &str) -> CreateForm {
        CreateForm {
            name: name.to_owned(),
            expiry: if offer.longest.is_some() { "longest" } else { "date" }.to_owned(),
            date: offer.date.clone(),
            access: "full".to_owned(),
            ..CreateForm::default()
        }
    }

    /// The form as submitted.
    pub(crate) fn posted(posted: &Posted) -> CreateForm {
        CreateForm {
            name: posted.text("name").to_owned(),
            expiry: posted.text("expiry").to_owned(),
            date: posted.text("date").to_owned(),
            access: posted.text("access").to_owned(),
            features: posted.texts("feature").map(str::to_owned).collect(),
            others: posted.text("others").to_owned(),
            readonly: posted.has("readonly"),
            addresses: posted.text("addresses").to_owned(),
        }
    }

    /// The same form without choices that the account no longer has.
    pub(crate) fn offered(mut self, offer: &FormChoices) -> CreateForm {
        let gone = match self.expiry.as_str() {
            "never" => offer.never_refused.is_some(),
            "longest" => offer.longest.is_none(),
            "date" => !offer.dated,
            _ => false,
        };
        if gone {
            self.expiry = CreateForm::fresh(offer, "").expiry;
        }
        self
    }

    /// The requested token. Missing values get no default: neither the expiry nor the features.
    pub(crate) fn token(&self, user: &str) -> Result<NewToken, Fault> {
        let expires = match self.expiry.as_str() {
            "never" => Some(ExpiryInput::Text("never".to_owned())),
            "longest" => None,
            "date" if self.date.is_empty() => return Err(Fault::at("date", "Choose the day on which it expires.")),
            // The word `never` belongs to the other choice.
            "date" if self.date == "never" => Some(ExpiryInput::Text(String::new())),
            "date" => Some(ExpiryInput::Text(self.date.clone())),
            _ => return Err(Fault::at("date", "Choose whether the API token expires.")),
        };
        let access = match self.access.as_str() {
            "full" => Access::Full,
            "limited" => Access::Limited {
                features: self.all_features()?,
            },
            _ => return Err(Fault::at("access", "Choose what the API token may do.")),
        };
        Ok(NewToken {
            expires,
            read_only: self.readonly,
            addresses: self.address_list(),
            ..NewToken::new(user, &self.name, access)
        })
    }

    fn all_features(&self) -> Result<Vec<String>, Fault> {
        // One more than the maximum is enough for the module to refuse the list.
        let mut seen = HashSet::new();
        let checked = self.features.iter().map(String::as_str);
        let features: Vec<String> = checked
            .chain(words(&self.others))
            .filter(|feature| seen.insert(*feature))
            .take(MAX_FEATURES + 1)
            .map(str::to_owned)
            .collect();
        if features.is_empty() {
            return Err(Fault::at("access", "Choose at least one feature, or full access."));
        }
        Ok(features)
    }

    fn address_list(&self) -> Vec<String> {
        words(&self.addresses)
            .take(MAX_ADDRESSES + 1)
            .map(str::to_owned)
            .collect()
    }
}

/// The fault that a token was refused for, and the others that the module finds in the form.
pub(crate) async fn faults_of(state: &State, form: &CreateForm, error: &Error) -> Vec<Fault> {
    let addresses = form.address_list();
    let first = match error {
        Error::Refused(refusal) => Fault::of(refusal, &addresses),
        other => Fault::at("name", sentence(&other.message())),
    };
    with_others(state, form, first).await
}

/// The given fault, and the others that the module finds in the rest of the form.
pub(crate) async fn with_others(state: &State, form: &CreateForm, first: Fault) -> Vec<Fault> {
    let addresses = form.address_list();
    let mut faults = vec![first];
    let service = &state.service;
    let Ok(now) = service.clock().now() else {
        return faults;
    };
    let request = ValidateRequest {
        name: Some(form.name.clone()),
        expires: (form.expiry == "date").then(|| ExpiryInput::Text(form.date.clone())),
        addresses: Some(addresses.clone()),
        now: Some(now),
        zone: service.zone().table(now),
        ..ValidateRequest::default()
    };
    let checked: Result<Validated> = service.module().operate_async("validate", request).await;
    for problem in checked.map(|checked| checked.problems).unwrap_or_default() {
        let fault = Fault::of(&problem, &addresses);
        if !faults.iter().any(|known| known.field == fault.field) {
            faults.push(fault);
        }
    }
    faults
}
