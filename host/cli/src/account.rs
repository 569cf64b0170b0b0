//! `tokenlatch account`.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tokenlatch::core::{Caps, Features, Policy};

use crate::accounts::{list, say};
use crate::confirm;
use crate::context::Context;
use crate::failure::Failure;
use crate::policy::{Cap, Lifetime, policy_text};
use crate::secrets;

/// Manage the accounts that tokens act as
#[derive(Subcommand)]
pub enum Command {
    /// Add an account; creates the database if it is missing
    #[command(
        after_help = "A token can never do more than its account. Tokens work only in accounts that have the feature `apitokens`.\n\n\
        Examples:\n  tokenlatch account add alice --all-features\n  tokenlatch account add bob --features apitokens,popaccts"
    )]
    Add {
        /// The user name: 1 to 64 characters of a-z A-Z 0-9 - _ . @
        name: String,
        #[command(flatten)]
        features: FeatureArgs,
        /// Read the page's password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        /// Maximum lifetime of the account's tokens, in days such as `90d`, or `none`
        #[arg(long, value_name = "DAYS", default_value = "none", hide_default_value = true)]
        max_lifetime: Lifetime,
        /// Require an expiry for the account's tokens
        #[arg(long)]
        expiry_required: bool,
        /// Allow the account to use the administrator's page
        #[arg(long)]
        administrator: bool,
    },
    /// List accounts
    List,
    /// Suspend an account, so that it can neither create nor use tokens
    Suspend {
        /// The user
        name: String,
    },
    /// Resume a suspended account
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
    /// Rename an account; its tokens are kept and work under the new name
    Rename {
        /// The current name
        name: String,
        /// The new name
        new_name: String,
    },
    /// Set the page's password, typed on a terminal or read from the first line of standard input
    Password {
        /// The user
        name: String,
        /// Read the password from standard input even on a terminal
        #[arg(long)]
        stdin: bool,
    },
    /// Change the policy for an account's new tokens; options left out keep their values
    Policy {
        /// The user
        name: String,
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Allow or forbid an account to use the administrator's page; forbidding it also logs the account out
    Administrator {
        /// The user
        name: String,
        /// Whether the account may use it
        #[arg(value_enum)]
        switch: Switch,
    },
    /// Remove an account and revoke its tokens permanently; on a terminal, asks to type the name
    Remove {
        /// The user
        name: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// A switch on the command line.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Allow
    On,
    /// Forbid
    Off,
}

/// The account's features: a list, or all. One of the two is required.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct FeatureArgs {
    /// Features, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "FEATURES")]
    features: Option<Vec<String>>,
    /// All features, including future ones
    #[arg(long)]
    all_features: bool,
}

/// The policy options. At least one is required.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct PolicyArgs {
    /// Maximum lifetime, in days such as `90d`, or `none`
    #[arg(long, value_name = "DAYS")]
    max_lifetime: Option<Lifetime>,
    /// Require an expiry
    #[arg(long)]
    expiry_required: bool,
    /// Do not require an expiry, unless there is a maximum lifetime
    #[arg(long, conflicts_with = "expiry_required")]
    expiry_optional: bool,
    /// Maximum number of live tokens of the account, or `default`: 1000
    #[arg(long, value_name = "N")]
    max_tokens: Option<Cap>,
    /// Maximum number of tokens created in an hour, or `default`: 1000
    #[arg(long, value_name = "N")]
    max_tokens_per_hour: Option<Cap>,
    /// Maximum number of features of a token, or `default`: 250
    #[arg(long, value_name = "N")]
    max_features: Option<Cap>,
    /// Maximum number of addresses of a token, or `default`: 100
    #[arg(long, value_name = "N")]
    max_addresses: Option<Cap>,
    /// Maximum size of a token's record in bytes: 512, plus length and 3 for each feature and address; or `default`: 8192
    #[arg(long, value_name = "N")]
    max_record_bytes: Option<Cap>,
}

impl PolicyArgs {
    fn apply_to(&self, policy: Policy) -> Policy {
        let cap = |given: Option<Cap>, known| given.map_or(known, |given| given.0);
        let caps = policy.caps;
        Policy {
            max_lifetime: self.max_lifetime.map_or(policy.max_lifetime, |given| given.0),
            expiry_required: self.expiry_required || (policy.expiry_required && !self.expiry_optional),
            caps: Caps {
                tokens: cap(self.max_tokens, caps.tokens),
                tokens_per_hour: cap(self.max_tokens_per_hour, caps.tokens_per_hour),
                features: cap(self.max_features, caps.features),
                addresses: cap(self.max_addresses, caps.addresses),
                record_bytes: cap(self.max_record_bytes, caps.record_bytes),
            },
        }
    }
}

impl FeatureArgs {
    fn features(&self) -> Features {
        match &self.features {
            Some(list) => Features::List(list.clone()),
            None => Features::All,
        }
    }
}

impl Command {
    /// Runs the command.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self {
            Command::Add {
                name,
                features,
                password_stdin,
                max_lifetime,
                expiry_required,
                administrator,
            } => {
                let password = if *password_stdin {
                    Some(secrets::from_stdin()?)
                } else {
                    None
                };
                let policy = Policy {
                    max_lifetime: max_lifetime.0,
                    expiry_required: *expiry_required,
                    caps: Caps::default(),
                };
                let service = context.open_or_create().await?;
                let features = features.features();
                if *administrator {
                    service.add_administrator_with(name, features, policy, password).await?;
                } else {
                    service.add_account_with(name, features, policy, password).await?;
                }
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
                    &format!("Suspended {name}. Its tokens are refused now."),
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
                    &format!("Resumed {name}. Its tokens work again."),
                )
                .await?;
            }
            Command::Features { name, features } => {
                let service = context.open().await?;
                service.set_features(name, features.features()).await?;
                say(context, &service, name, &format!("Replaced the features of {name}.")).await?;
            }
            Command::Rename { name, new_name } => {
                let service = context.open().await?;
                service.rename_account(name, new_name).await?;
                let text = format!("Renamed {name} to {new_name}. Its tokens work under the new name.");
                say(context, &service, new_name, &text).await?;
            }
            Command::Password { name, stdin } => {
                let service = context.open().await?;
                service.account(name).await?;
                let password = if *stdin {
                    secrets::from_stdin()?
                } else {
                    secrets::new_password()?
                };
                service.set_password(name, password).await?;
                say(context, &service, name, &format!("Changed the password of {name}.")).await?;
            }
            Command::Policy { name, policy } => {
                let service = context.open().await?;
                let policy = policy.apply_to(service.account(name).await?.policy);
                service.set_policy(name, policy).await?;
                let text = format!(
                    "New tokens of {name}: {}. Existing tokens are unchanged.",
                    policy_text(policy)
                );
                say(context, &service, name, &text).await?;
            }
            Command::Administrator { name, switch } => {
                let service = context.open().await?;
                let on = *switch == Switch::On;
                service.set_administrator(name, on).await?;
                let text = if on {
                    format!(
                        "{name} may use the administrator's page once it has a password, and its tokens may have machine \
                         rights such as `snapshot-read`."
                    )
                } else {
                    format!(
                        "{name} may no longer use the administrator's page. Its sessions have ended, and its tokens have lost \
                         machine rights such as `snapshot-read`."
                    )
                };
                say(context, &service, name, &text).await?;
            }
            Command::Remove { name, yes } => remove(context, name, *yes).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemovedDocument<'a> {
    removed: &'a str,
    revoked_tokens: &'a [String],
}

async fn remove(context: &mut Context<'_>, name: &str, yes: bool) -> Result<(), Failure> {
    let service = context.open().await?;
    let account = service.account(name).await?;
    if !yes {
        let tokens = match account.live_tokens {
            1 => "its token stops".to_owned(),
            count => format!("its {count} tokens stop"),
        };
        confirm::by_name(name, &format!("Removes {name} permanently, and {tokens} working."))?;
    }
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
