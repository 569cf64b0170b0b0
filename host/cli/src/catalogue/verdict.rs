//! `tokenlatch catalogue test`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokenlatch::core::{Call, Decisive, Realm, Route, Verdict};

use super::judge::{Judge, Token};
use super::read;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, styled};

/// The end of the help text.
pub const HELP: &str = "\
The verdict is on a token of an account that has every feature. Without `--features`, the token has full access.

Exit codes: 0 admitted, 1 refused; others as in `tokenlatch --help`.

Examples:
  tokenlatch catalogue test catalogue.toml GET /v1/orders/7 \\
    --features orders --read-only";

/// A request to be judged.
#[derive(Args)]
pub struct Test {
    /// The catalogue file
    file: PathBuf,
    /// The request's method, such as GET
    method: String,
    /// The request's path, with or without its query
    path: String,
    /// Features of a limited token, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "FEATURES")]
    features: Option<Vec<String>>,
    /// The token is read-only
    #[arg(long)]
    read_only: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    verdict: Short<'a>,
    matched: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

/// What of a verdict isn't about the made-up token.
#[derive(Serialize)]
struct Short<'a> {
    allowed: bool,
    status: u16,
    reason: &'a tokenlatch::core::Reason,
    message: &'a str,
}

impl Test {
    pub fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let module = Context::module()?;
        let joined = read(&self.file, &module)?;
        let token = Token {
            features: self.features.clone(),
            read_only: self.read_only,
            realm: Realm::Account,
            bare: false,
        };
        let call = Call {
            method: Some(self.method.clone()),
            path: Some(self.path.clone()),
            ..Call::default()
        };
        let verdict = Judge::new(&module, &joined.catalogue)?.verdict(&call, Some(&token))?;
        let decisive = joined.catalogue.explain().map_err(tokenlatch::Error::from)?;
        let (matched, route, line) = match decisive(&self.method, &self.path) {
            Decisive::Doubtful => ("doubtful", None, None),
            Decisive::Exposed => ("exposed", None, None),
            Decisive::Unlisted => ("unlisted", None, None),
            Decisive::Route { at, route, near } => {
                let matched = if near { "near" } else { "exact" };
                (matched, Some(route), joined.line(&format!("routes[{at}]")))
            }
        };
        let allowed = verdict.allowed;
        if context.output.wants_json() {
            let Verdict {
                status,
                reason,
                message,
                ..
            } = &verdict;
            context.output.json(&Document {
                verdict: Short {
                    allowed,
                    status: *status,
                    reason,
                    message,
                },
                matched,
                route,
                line,
            })?;
        } else {
            let (style, word) = if allowed { (GOOD, "admitted") } else { (BAD, "refused") };
            let reason = verdict.message;
            context
                .output
                .line(format_args!("{}: {} ({reason})", styled(style, word), verdict.status))?;
            let why = match (matched, route) {
                ("doubtful", _) => "none: servers could read the method or the path differently".to_owned(),
                ("exposed", _) => "none: the query has a token".to_owned(),
                (_, None) => "none: the catalogue's `default` decides".to_owned(),
                (matched, Some(route)) => {
                    let near = match matched {
                        "near" => ", which some servers take it for",
                        _ => "",
                    };
                    format!("{} {}{near}{}", route.method, route.path, described(route))
                }
            };
            context.output.line(format_args!("route: {why}"))?;
            if let Some(line) = line {
                context.output.line(format_args!("line: {line}"))?;
            }
        }
        Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn described(route: &Route) -> String {
    let feature = match (&route.feature, route.public) {
        (_, true) => "public".to_owned(),
        (Some(feature), false) => format!("feature `{feature}`"),
        (None, false) => "no feature".to_owned(),
    };
    format!(" ({feature}, {})", if route.writes { "writes" } else { "reads" })
}
