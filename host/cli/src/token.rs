//! `tokenlatch token`.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tokenlatch::core::{Access, Description, ExpiryInput, Listed, Notice, Realm, SortKey, Status};
use tokenlatch::{ListOptions, ListedToken, NewToken, ServerZone};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{FAINT, STRONG, WARN, styled};
use crate::realm::RealmArg;
use crate::table::{Row, Tone, render_table};
use crate::verify;

const CREATE_HELP: &str = "\
The token is printed once, on standard output, and cannot be shown again. If you lose it, revoke it and create another.

Examples:
  tokenlatch token create --user alice --name deploy --full
  tokenlatch token create --user alice --name mail \\
    --features popaccts --read-only
  tokenlatch token create --user alice --name ci --full \\
    --expires 2030-12-31 --prefix acme";

/// Database commands see and change the tokens of both ports.
const EITHER: Option<Realm> = None;

/// Create, list, rename, revoke and verify tokens
#[derive(Subcommand)]
pub enum Command {
    /// Create a token and print its text, which is shown only once
    #[command(after_help = CREATE_HELP)]
    Create(Create),
    /// List the tokens of an account
    List(List),
    /// Rename a token
    Rename {
        /// The account
        #[arg(long)]
        user: String,
        /// The current name
        name: String,
        /// The new name
        new_name: String,
    },
    /// Revoke tokens immediately and permanently
    Revoke {
        /// The account
        #[arg(long)]
        user: String,
        /// The names of the tokens
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Verify `Authorization` values from standard input, one per line; print one JSON verdict per line
    #[command(after_help = verify::HELP)]
    Verify(verify::Verify),
}

/// The options for creating a token.
#[derive(Args)]
pub struct Create {
    /// The account that the token acts as
    #[arg(long)]
    user: String,
    /// Token name: 1 to 50 characters of a-z A-Z 0-9 - _
    #[arg(long)]
    name: String,
    #[command(flatten)]
    access: AccessArgs,
    /// Refuse functions that write
    #[arg(long)]
    read_only: bool,
    /// Expiry: `never`, 2030-12-31 (its last second in the time zone), an RFC 3339 time, or Unix seconds; one year from today
    /// by default
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    expires: Option<String>,
    /// Address or network that the token may be used from, such as 192.0.2.7 or 2001:db8::/32; may be repeated
    #[arg(long = "address", value_name = "ADDRESS", value_delimiter = ',')]
    addresses: Vec<String>,
    /// Prefix that secret scanners recognise: 2 to 16 characters of a-z 0-9
    #[arg(long)]
    prefix: Option<String>,
    /// Port that the token belongs to
    #[arg(long, value_enum, default_value_t = RealmArg::Account)]
    realm: RealmArg,
}

/// What a token may access: everything that its account may, or a list of features. One of the two is required.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct AccessArgs {
    /// Allow everything that the account may do
    #[arg(long)]
    full: bool,
    /// Allow only functions of these features, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "FEATURES")]
    features: Option<Vec<String>>,
}

/// The options of a list.
#[derive(Args)]
pub struct List {
    /// The account
    #[arg(long)]
    user: String,
    /// Page number, from 1
    #[arg(long)]
    page: Option<i64>,
    /// Tokens per page, 1 to 1000
    #[arg(long)]
    page_size: Option<i64>,
    /// Sort order
    #[arg(long, value_enum)]
    sort: Option<SortArg>,
    /// Reverse the order
    #[arg(long)]
    descending: bool,
    /// List only names that contain this text
    #[arg(long)]
    search: Option<String>,
    /// Days before its expiry from which a token counts as expiring
    #[arg(long, value_name = "DAYS")]
    warn_days: Option<i64>,
    /// Include revoked tokens
    #[arg(long)]
    revoked: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum SortArg {
    Name,
    Created,
    Expires,
}

#[derive(Serialize)]
struct CreatedDocument<'a> {
    token: &'a str,
    description: &'a Description,
}

/// A page, with the last use of each token if known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedDocument<'a> {
    tokens: Vec<ListedLine<'a>>,
    page: i64,
    page_size: i64,
    pages: i64,
    total: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedLine<'a> {
    #[serde(flatten)]
    token: &'a Description,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<u64>,
}

#[derive(Serialize)]
struct DescribedDocument<'a> {
    description: &'a Description,
}

#[derive(Serialize)]
struct RevokedDocument<'a> {
    revoked: &'a [String],
    unknown: &'a [String],
}

impl Command {
    /// Runs the command.
    pub async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self {
            Command::Create(create) => create.run(context).await,
            Command::List(list) => list.run(context).await,
            Command::Rename { user, name, new_name } => rename(context, user, name, new_name).await,
            Command::Revoke { user, names } => revoke(context, user, names).await,
            Command::Verify(verify) => verify.run(context).await,
        }
    }
}

impl Create {
    async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let service = context.open().await?;
        let access = match &self.access.features {
            Some(features) => Access::Limited {
                features: features.clone(),
            },
            None => Access::Full,
        };
        let created = service
            .create(NewToken {
                user: self.user.clone(),
                name: self.name.clone(),
                access,
                expires: self.expires.clone().map(ExpiryInput::Text),
                read_only: self.read_only,
                addresses: self.addresses.clone(),
                realm: self.realm.into(),
                prefix: self.prefix.clone(),
                creator: None,
            })
            .await?;
        let description = service.describe(&created.record)?;
        if context.output.wants_json() {
            context.output.json(&CreatedDocument {
                token: created.token.expose(),
                description: &description,
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        let zone = context.zone()?;
        context.output.line(created.token.expose())?;
        let output = &context.output;
        output.remark(format_args!(
            "Created {} for {}: {}, expires {}.",
            styled(STRONG, &description.name),
            description.user,
            access_text(&description),
            expiry_text(&description, zone),
        ));
        output.remark(styled(
            WARN,
            "The token is shown only this once. Store it where only its user can read it.",
        ));
        output.remark(styled(
            FAINT,
            format_args!(
                "Use it as the header `Authorization: {} {}:TOKEN`.",
                scheme(self.realm),
                self.user
            ),
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let service = context.open().await?;
        let options = ListOptions {
            page: self.page,
            page_size: self.page_size,
            sort: self.sort.map(|sort| match sort {
                SortArg::Name => SortKey::Name,
                SortArg::Created => SortKey::Created,
                SortArg::Expires => SortKey::Expires,
            }),
            descending: self.descending,
            search: self.search.clone(),
            warn_days: self.warn_days,
            include_revoked: self.revoked,
        };
        let mut listed = service.list(&self.user, options).await?;
        let tokens = service.with_usage(std::mem::take(&mut listed.tokens)).await?;
        if context.output.wants_json() {
            context.output.json(&ListedDocument {
                tokens: tokens.iter().map(ListedLine::from).collect(),
                page: listed.page,
                page_size: listed.page_size,
                pages: listed.pages,
                total: listed.total,
            })?;
        } else {
            let zone = context.zone()?;
            show(context, &listed, &tokens, zone)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl<'a> From<&'a ListedToken> for ListedLine<'a> {
    fn from(listed: &'a ListedToken) -> ListedLine<'a> {
        ListedLine {
            token: &listed.token,
            last_used: listed.usage.as_ref().map(|usage| usage.last_used),
            uses: listed.usage.as_ref().map(|usage| usage.uses),
        }
    }
}

async fn rename(context: &mut Context<'_>, user: &str, name: &str, new_name: &str) -> Result<ExitCode, Failure> {
    let service = context.open().await?;
    let record = service.rename(user, EITHER, name, new_name).await?;
    if context.output.wants_json() {
        let description = service.describe(&record)?;
        context.output.json(&DescribedDocument {
            description: &description,
        })?;
    } else {
        context.output.line(format_args!(
            "Renamed {name} to {new_name}. Its text, access and expiry are unchanged."
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(context: &mut Context<'_>, user: &str, names: &[String]) -> Result<ExitCode, Failure> {
    let service = context.open().await?;
    let outcome = service.revoke(user, EITHER, names).await?;
    if context.output.wants_json() {
        context.output.json(&RevokedDocument {
            revoked: &outcome.revoked,
            unknown: &outcome.unknown,
        })?;
    } else {
        if !outcome.revoked.is_empty() {
            let names = outcome.revoked.join(", ");
            context.output.line(format_args!(
                "Revoked {names}. Scripts that use it are refused from now on."
            ))?;
        }
        for name in &outcome.unknown {
            context
                .output
                .remark(format_args!("There is no active token `{name}`."));
        }
    }
    Ok(if outcome.unknown.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(context: &mut Context<'_>, listed: &Listed, tokens: &[ListedToken], zone: ServerZone) -> Result<(), Failure> {
    if listed.total == 0 {
        return context
            .output
            .line("No tokens. `tokenlatch token create` creates one; `--revoked` lists revoked ones.");
    }
    let rows = tokens.iter().map(|listed| row(listed, zone)).collect();
    let heading = [
        "TOKEN",
        "STATUS",
        "EXPIRES",
        "CREATED",
        "LAST USED",
        "ACCESS",
        "ADDRESSES",
        "HINT",
    ];
    let text = render_table(&heading, rows, context.output.colour());
    context.output.line(text)?;
    let tokens = if listed.total == 1 { "token" } else { "tokens" };
    context.output.line(styled(
        FAINT,
        format_args!(
            "Page {} of {}, {} {tokens} in all.",
            listed.page, listed.pages, listed.total
        ),
    ))
}

fn row(listed: &ListedToken, zone: ServerZone) -> Row {
    let token = &listed.token;
    let used = match &listed.usage {
        Some(usage) => zone.show(usage.last_used),
        None => "not known".to_owned(),
    };
    let (status, mark) = match token.status {
        Status::Active => ("active", Tone::Good),
        Status::Expiring => ("expiring", Tone::Warn),
        Status::Expired => ("expired", Tone::Bad),
        Status::Revoked => ("revoked", Tone::Faint),
    };
    let expires = match mark {
        // A token without an expiry is easily forgotten.
        Tone::Good if token.notices.contains(&Notice::NeverExpires) => Tone::Warn,
        Tone::Good => Tone::Plain,
        other => other,
    };
    let addresses = match token.addresses.as_slice() {
        [] => "any".to_owned(),
        list => list.join(", "),
    };
    vec![
        (token.name.clone(), Tone::Plain),
        (status.to_owned(), mark),
        (expiry_text(token, zone), expires),
        (zone.show(token.created), Tone::Plain),
        (used, Tone::Plain),
        (access_text(token), Tone::Plain),
        (addresses, Tone::Plain),
        (format!("…{}", token.hint), Tone::Faint),
    ]
}

fn expiry_text(token: &Description, zone: ServerZone) -> String {
    let Some(at) = token.expires else {
        return "never".to_owned();
    };
    let left = match token.remaining {
        None | Some(0) => String::new(),
        Some(seconds) if seconds < 3_600 => format!(" (in {} min)", seconds / 60),
        Some(seconds) if seconds < 172_800 => format!(" (in {} h)", seconds / 3_600),
        Some(seconds) => format!(" (in {} days)", seconds / 86_400),
    };
    format!("{}{left}", zone.show(at))
}

fn access_text(token: &Description) -> String {
    let access = match &token.access {
        Access::Full => "full".to_owned(),
        Access::Limited { features } if features.is_empty() => "nothing".to_owned(),
        Access::Limited { features } => features.join(", "),
    };
    if token.read_only {
        format!("{access}, read only")
    } else {
        access
    }
}

fn scheme(realm: RealmArg) -> &'static str {
    match realm {
        RealmArg::Account => "cpanel",
        RealmArg::Admin => "whm",
    }
}
