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
        /// Read the password for the page from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        /// The longest life of its tokens, in days such as `90d`; or `none`
        #[arg(long, value_name = "DAYS", default_value = "none", hide_default_value = true)]
        max_lifetime: Lifetime,
        /// Every token of it must expire
        #[arg(long)]
        expiry_required: bool,
        /// Let it use the administrator's page
        #[arg(long)]
        administrator: bool,
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
    /// Give an account another name; its tokens stay and work under the new one
    Rename {
        /// The name it has
        name: String,
        /// The name it gets
        new_name: String,
    },
    /// Set the password for the page: asked for on a terminal, else the first line of standard input
    Password {
        /// The user
        name: String,
        /// Read it from standard input even on a terminal
        #[arg(long)]
        stdin: bool,
    },
    /// Change what is demanded of an account's new tokens; what is left out stays
    Policy {
        /// The user
        name: String,
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Let an account use the administrator's page, or no more: then whoever is logged in as it is logged out
    Administrator {
        /// The user
        name: String,
        /// Whether it may
        #[arg(value_enum)]
        switch: Switch,
    },
    /// Remove an account and revoke its tokens, for good; on a terminal the name must be typed once more
    Remove {
        /// The user
        name: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// Whether something is to be.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It may
    On,
    /// It may not
    Off,
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

/// What is demanded of new tokens: something of it.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct PolicyArgs {
    /// The longest life, in days such as `90d`; or `none`
    #[arg(long, value_name = "DAYS")]
    max_lifetime: Option<Lifetime>,
    /// Every token must expire
    #[arg(long)]
    expiry_required: bool,
    /// Tokens need not expire, unless there is a longest life
    #[arg(long, conflicts_with = "expiry_required")]
    expiry_optional: bool,
    /// Tokens that the account may have at once; or `default`: 1000
    #[arg(long, value_name = "N")]
    max_tokens: Option<Cap>,
    /// Tokens that it may create within an hour; or `default`: 1000
    #[arg(long, value_name = "N")]
    max_tokens_per_hour: Option<Cap>,
    /// Features of a token; or `default`: 250
    #[arg(long, value_name = "N")]
    max_features: Option<Cap>,
    /// Addresses of a token; or `default`: 100
    #[arg(long, value_name = "N")]
    max_addresses: Option<Cap>,
    /// Bytes of a token's record: 512, and the length and 3 of each feature and address; or `default`: 8192
    #[arg(long, value_name = "N")]
    max_record_bytes: Option<Cap>,
}

impl PolicyArgs {
    fn over(&self, policy: Policy) -> Policy {
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
            Command::Rename { name, new_name } => {
                let service = context.open().await?;
                service.rename_account(name, new_name).await?;
                let text = format!("Renamed {name} to {new_name}. Its tokens stay, and work as {new_name}'s.");
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
                say(context, &service, name, &format!("{name} has a new password.")).await?;
            }
            Command::Policy { name, policy } => {
                let service = context.open().await?;
                let policy = policy.over(service.account(name).await?.policy);
                service.set_policy(name, policy).await?;
                let text = format!("New tokens of {name}: {}. Those there are stay.", policy_text(policy));
                say(context, &service, name, &text).await?;
            }
            Command::Administrator { name, switch } => {
                let service = context.open().await?;
                let on = *switch == Switch::On;
                service.set_administrator(name, on).await?;
                let text = if on {
                    format!(
                        "{name} may use the administrator's page, once it has a password, and its tokens may have the rights \
                         of machines, such as `snapshot-read`."
                    )
                } else {
                    format!(
                        "{name} may not use the administrator's page any more: its sessions have ended, and its tokens have lost \
                         the rights of machines, such as `snapshot-read`."
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
        confirm::by_name(name, &format!("{name} goes for good, and {tokens} working."))?;
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
