//! `tokenlatch catalogue check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokenlatch::core::{Route, Unlisted};

use super::read;
use crate::context::Context;
use crate::failure::Failure;

/// The end of the help text.
pub const HELP: &str = "\
Exit codes: 0 the file can be used, 5 it can't; others as in `tokenlatch --help`.

Examples:
  tokenlatch catalogue check catalogue.toml";

/// A file to be checked.
#[derive(Args)]
pub struct Check {
    /// The catalogue file, `.toml` or `.json`
    file: PathBuf,
}

#[derive(Serialize)]
struct Document<'a> {
    functions: usize,
    #[serde(rename = "builtInFunctions")]
    built_in: usize,
    routes: usize,
    public: Vec<&'a Route>,
    default: Option<Unlisted>,
}

impl Check {
    pub fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let joined = read(&self.file, &Context::module()?)?;
        let catalogue = &joined.catalogue;
        let functions = catalogue.functions.as_deref().unwrap_or_default().len();
        let document = Document {
            functions: functions.saturating_sub(joined.built_in),
            built_in: joined.built_in,
            routes: catalogue.routes.len(),
            public: catalogue.routes.iter().filter(|route| route.public).collect(),
            default: catalogue.default,
        };
        if context.output.wants_json() {
            context.output.json(&document)?;
            return Ok(ExitCode::SUCCESS);
        }
        let output = &mut context.output;
        let (own, built_in) = (document.functions, document.built_in);
        output.line(format_args!("functions  {own}, and {built_in} built-in ones"))?;
        output.line(format_args!("routes     {}", document.routes))?;
        for route in &document.public {
            output.line(format_args!("public     {} {}", route.method, route.path))?;
        }
        if document.public.is_empty() {
            output.line("public     none")?;
        }
        output.line(match document.default {
            Some(Unlisted::Deny) => "default    deny: what no route names is refused",
            Some(Unlisted::Full) => "default    full: what no route names is for full tokens that may write",
            None if document.routes == 0 => {
                "default    not given: without routes, full tokens; GET, HEAD and OPTIONS only read"
            }
            None => "default    not given, so full: what no route names is for full tokens that may write",
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
