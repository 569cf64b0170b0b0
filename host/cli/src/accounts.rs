//! Prints accounts.

use serde::Serialize;
use tokenlatch::core::{Caps, Features};
use tokenlatch::{Service, StoredAccount};

use crate::context::Context;
use crate::failure::Failure;
use crate::policy::policy_text;
use crate::table::{Tone, render_table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    user: &'a str,
    suspended: bool,
    features: &'a Features,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_lifetime: Option<i64>,
    expiry_required: bool,
    #[serde(skip_serializing_if = "Caps::is_default")]
    caps: Caps,
    has_password: bool,
    administrator: bool,
    created: i64,
    live_tokens: u64,
}

#[derive(Serialize)]
struct OneDocument<'a> {
    account: Shown<'a>,
}

#[derive(Serialize)]
struct ListDocument<'a> {
    accounts: Vec<Shown<'a>>,
}

impl<'a> From<&'a StoredAccount> for Shown<'a> {
    fn from(stored: &'a StoredAccount) -> Shown<'a> {
        Shown {
            user: &stored.account.user,
            suspended: stored.account.suspended,
            features: &stored.account.features,
            max_lifetime: stored.policy.max_lifetime,
            expiry_required: stored.policy.expiry_required,
            caps: stored.policy.caps,
            has_password: stored.has_password,
            administrator: stored.account.administrator,
            created: stored.created,
            live_tokens: stored.live_tokens,
        }
    }
}

/// Prints a message or, with `--json`, the current account.
pub async fn say(context: &mut Context<'_>, service: &Service, name: &str, text: &str) -> Result<(), Failure> {
    if !context.output.wants_json() {
        return context.output.line(text);
    }
    let stored = service.account(name).await?;
    context.output.json(&OneDocument {
        account: Shown::from(&stored),
    })
}

/// Prints all accounts.
pub async fn list(context: &mut Context<'_>) -> Result<(), Failure> {
    let zone = context.zone()?;
    let accounts = context.open().await?.accounts().await?;
    if context.output.wants_json() {
        return context.output.json(&ListDocument {
            accounts: accounts.iter().map(Shown::from).collect(),
        });
    }
    if accounts.is_empty() {
        return context
            .output
            .line("No accounts. `tokenlatch account add NAME --all-features` adds one.");
    }
    let rows = accounts
        .iter()
        .map(|stored| {
            let state = if stored.account.suspended {
                ("suspended".to_owned(), Tone::Bad)
            } else {
                ("active".to_owned(), Tone::Good)
            };
            vec![
                (stored.account.user.clone(), Tone::Plain),
                state,
                (stored.live_tokens.to_string(), Tone::Plain),
                (zone.show(stored.created), Tone::Plain),
                (policy_text(stored.policy), Tone::Plain),
                (yes_or_no(stored.has_password), Tone::Plain),
                (yes_or_no(stored.account.administrator), Tone::Plain),
                (features_text(&stored.account.features), Tone::Plain),
            ]
        })
        .collect();
    let text = render_table(
        &[
            "ACCOUNT",
            "STATE",
            "TOKENS",
            "ADDED",
            "NEW TOKENS",
            "PASSWORD",
            "ADMINISTRATOR",
            "FEATURES",
        ],
        rows,
        context.output.colour(),
    );
    context.output.line(text)
}

fn features_text(features: &Features) -> String {
    match features {
        Features::All => "all".to_owned(),
        Features::List(list) if list.is_empty() => "none".to_owned(),
        Features::List(list) => list.join(", "),
    }
}

fn yes_or_no(answer: bool) -> String {
    if answer { "yes" } else { "no" }.to_owned()
}
