//! `tokenlatch account`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use tokenlatch::core::Features;
use tokenlatch::{Service, StoredAccount};

use super::context::Context;
use super::failure::Failure;
use super::table::{Mark, lay_out};

/// The accounts that tokens act as.
#[derive(Subcommand)]
pub enum Command {
    /// Add an account, and make the database when there is none
    #[command(
        after_help = "A token can never do more than its account. Tokens work only in accounts that have the feature `apitokens`.\n\n\
        Examples:\n  tokenlatch account add alice --all-features\n  tokenlatch account add bob --features apitokens,popaccts"
    )]
    Add {
        /// The user: 1 to 64 characters of a-z A-Z 0-9 - _ . @
        name: String,
        #[command(flatten)]
        features: FeatureArgs,
    },
    /// List the accounts
    List,
    /// Suspend an account: it can neither create nor use tokens
    Suspend {
        /// The user
        name: String,
    },
    /// Let a suspended account work again
    Resume {
        /// The user
        name: String,
    },
    /// Replace the features of an account
    Features {
        /// The user
        name: String,
        #[command(flatten)]
        features: FeatureArgs,
    },
    /// Remove an account and revoke its tokens, for good
    Remove {
        /// The user
        name: String,
    },
}

/// The features of an account: these, or all. There is no default.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct FeatureArgs {
    /// The features, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "FEATURES")]
    features: Option<Vec<String>>,
    /// Every feature there is or will be
    #[arg(long)]
    all_features: bool,
}

impl FeatureArgs {
    fn features(&self) -> Features {
        match &self.features {
            Some(list) => Features::List(list.clone()),
            None => Features::All,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    user: &'a str,
    suspended: bool,
    features: &'a Features,
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemovedDocument<'a> {
    removed: &'a str,
    revoked_tokens: &'a [String],
}

impl<'a> From<&'a StoredAccount> for Shown<'a> {
    fn from(stored: &'a StoredAccount) -> Shown<'a> {
        Shown {
            user: &stored.account.user,
            suspended: stored.account.suspended,
            features: &stored.account.features,
            created: stored.created,
            live_tokens: stored.live_tokens,
        }
    }
}

impl Command {
    /// Runs the command.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self {
            Command::Add { name, features } => {
                let service = context.open_or_create().await?;
                service.add_account(name, features.features()).await?;
                let text =
                    format!("Added the account {name}. Next: tokenlatch token create --user {name} --name NAME --full");
                say(context, &service, name, &text).await?;
            }
            Command::List => list(context).await?,
            Command::Suspend { name } => {
                let service = context.open().await?;
                service.set_suspended(name, true).await?;
                say(
                    context,
                    &service,
                    name,
                    &format!("Suspended {name}. Its tokens are refused from now on."),
                )
                .await?;
            }
            Command::Resume { name } => {
                let service = context.open().await?;
                service.set_suspended(name, false).await?;
                say(
                    context,
                    &service,
                    name,
                    &format!("{name} works again, and so do its tokens."),
                )
                .await?;
            }
            Command::Features { name, features } => {
                let service = context.open().await?;
                service.set_features(name, features.features()).await?;
                say(context, &service, name, &format!("Replaced the features of {name}.")).await?;
            }
            Command::Remove { name } => remove(context, name).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn say(context: &mut Context<'_>, service: &Service, name: &str, text: &str) -> Result<(), Failure> {
    if !context.output.wants_json() {
        return context.output.line(text);
    }
    let stored = service.account(name).await?;
    context.output.json(&OneDocument {
        account: Shown::from(&stored),
    })
}

async fn list(context: &mut Context<'_>) -> Result<(), Failure> {
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
            .line("There is no account. `tokenlatch account add NAME --all-features` adds one.");
    }
    let rows = accounts
        .iter()
        .map(|stored| {
            let state = if stored.account.suspended {
                ("suspended".to_owned(), Mark::Bad)
            } else {
                ("active".to_owned(), Mark::Good)
            };
            vec![
                (stored.account.user.clone(), Mark::Plain),
                state,
                (stored.live_tokens.to_string(), Mark::Plain),
                (zone.show(stored.created), Mark::Plain),
                (features_text(&stored.account.features), Mark::Plain),
            ]
        })
        .collect();
    let text = lay_out(
        &["ACCOUNT", "STATE", "TOKENS", "ADDED", "FEATURES"],
        rows,
        context.output.colour(),
    );
    context.output.line(text)
}

async fn remove(context: &mut Context<'_>, name: &str) -> Result<(), Failure> {
    let service = context.open().await?;
    let revoked = service.remove_account(name).await?;
    if context.output.wants_json() {
        return context.output.json(&RemovedDocument {
            removed: name,
            revoked_tokens: &revoked,
        });
    }
    let tokens = match revoked.as_slice() {
        [] => "It had no tokens.".to_owned(),
        names => format!("Revoked its tokens: {}.", names.join(", ")),
    };
    context.output.line(format!("Removed the account {name}. {tokens}"))
}

fn features_text(features: &Features) -> String {
    match features {
        Features::All => "all".to_owned(),
        Features::List(list) if list.is_empty() => "none".to_owned(),
        Features::List(list) => list.join(", "),
    }
}
