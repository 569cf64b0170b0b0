//! `tokenlatch catalogue`: the file that says which functions and routes an API has.

mod check;
mod diff;
mod from_openapi;
mod judge;
mod openapi;
mod shape;
mod verdict;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use tokenlatch::Module;
use tokenlatch::core::ValidateRequest;
use tokenlatch_server::{CatalogueFile, JoinedCatalogue, ServerError};

use crate::context::Context;
use crate::failure::Failure;

/// The JSON Schema of a catalogue file.
const SCHEMA: &str = include_str!("../../../server/deploy/catalogue.schema.json");

/// Write, check and compare catalogue files
#[derive(Subcommand)]
pub enum Command {
    /// Write a catalogue of routes for an OpenAPI document
    #[command(after_help = from_openapi::HELP)]
    FromOpenapi(from_openapi::FromOpenapi),
    /// Check a catalogue file and count what it lists
    #[command(after_help = check::HELP)]
    Check(check::Check),
    /// Tell the verdict on a request, and the route that decides, without a server
    #[command(after_help = verdict::HELP)]
    Test(verdict::Test),
    /// Tell what becomes open to whom, and what is closed, by another catalogue file
    #[command(after_help = diff::HELP)]
    Diff(diff::Diff),
    /// Print the JSON Schema of a catalogue file
    Schema,
}

impl Command {
    pub fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        match self {
            Command::FromOpenapi(command) => command.run(context),
            Command::Check(command) => command.run(context),
            Command::Test(command) => command.run(context),
            Command::Diff(command) => command.run(context),
            Command::Schema => {
                context.output.bytes(SCHEMA.as_bytes())?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Reads a catalogue file, as a server does, and lets the module check it.
///
/// # Errors
/// `catalogue_file_invalid`, with the line if it is known.
fn read(path: &Path, module: &Module) -> Result<JoinedCatalogue, Failure> {
    let joined = CatalogueFile::new(Some(path))
        .join(module)?
        .ok_or_else(|| unusable(path, "there is no file"))?;
    let checked = module.validate(&ValidateRequest {
        catalogue: Some(joined.catalogue.clone()),
        ..ValidateRequest::default()
    })?;
    match checked.problems.first() {
        None => Ok(joined),
        Some(problem) => {
            let field = problem.field.as_deref().unwrap_or_default();
            let (list, value) = field.rsplit_once('.').unwrap_or(("", field));
            let place = match joined.line(field) {
                Some(line) => format!("line {line}: "),
                None if list.is_empty() => String::new(),
                None => format!("{list}: "),
            };
            let value = match value.ends_with(']') || list.is_empty() {
                true => String::new(),
                false => format!("`{value}`: "),
            };
            Err(unusable(path, &format!("{place}{value}{}", problem.message)))
        }
    }
}

fn unusable(path: &Path, reason: &str) -> Failure {
    ServerError::Catalogue {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
    .into()
}
