//! `tokenlatch catalogue from-openapi`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;
use tokenlatch::core::Route;
use tokenlatch::read_text;
use tokenlatch_server::MAX_CATALOGUE_FILE;

use super::openapi::document::Document;
use super::openapi::features::FeatureBy;
use super::openapi::operations::base_path;
use super::openapi::routes::{Converted, convert};
use super::openapi::toml_text::{one_line, toml_text};
use crate::context::Context;
use crate::failure::Failure;

/// The largest document, in bytes.
const MAX_DOCUMENT: u64 = 32 << 20;

/// The end of the help text.
pub const HELP: &str = "\
GET and HEAD read, every other method writes. What has no feature is for full tokens only. `--feature-by security` is the \
default, for a scope is what the API itself asks for; a tag or a path is only a guess, made for readers.

For full tokens only, and told on standard error: routes that are wider than their operation, because a route can't say its \
path (`/{name}.json`); operations that one route names and that differ in their feature; paths that servers may take for \
either of two operations. No route is public; a comment says which could be.

Exit codes: as in `tokenlatch --help`; 5 for a document that can't be used.

Examples:
  tokenlatch catalogue from-openapi openapi.yaml > catalogue.toml
  tokenlatch catalogue from-openapi openapi.json --feature-by tag --base /v1";

/// A document to be converted.
#[derive(Args)]
pub struct FromOpenapi {
    /// The document, OpenAPI 3.0 or 3.1: `.json`, `.yaml` or `.yml`
    file: PathBuf,
    /// What an operation's feature is taken from
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = FeatureBy::Security)]
    feature_by: FeatureBy,
    /// The path that the document's paths are under; that of its first server by default
    #[arg(long, value_name = "PATH", value_parser = base)]
    base: Option<String>,
}

fn base(text: &str) -> Result<String, String> {
    match text.starts_with('/') {
        true => base_path(text).map_err(ToOwned::to_owned),
        false => Err("a path starts with `/`".to_owned()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    catalogue: Catalogue<'a>,
    operations: usize,
    left_out: usize,
    conflicts: usize,
    wider: usize,
    notes: &'a [String],
}

/// A catalogue file in JSON.
#[derive(Serialize)]
struct Catalogue<'a> {
    builtin: bool,
    default: &'static str,
    route: Vec<&'a Route>,
}

impl FromOpenapi {
    pub fn run(&self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let text = read_text(&self.file, MAX_DOCUMENT).map_err(|error| self.unusable(&error))?;
        let extension = self
            .file
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let document = Document::parse(extension, &text).map_err(|fault| self.unusable(&fault))?;
        drop(text);
        let converted =
            convert(&document, self.feature_by, self.base.as_deref()).map_err(|fault| self.unusable(&fault))?;
        let text = toml_text(&converted, &self.head(&document, &converted));
        self.check(&converted, &text)?;
        if context.output.wants_json() {
            context.output.json(&report(&converted))?;
            return Ok(ExitCode::SUCCESS);
        }
        context.output.bytes(text.as_bytes())?;
        for note in &converted.notes {
            context.output.remark(one_line(note));
        }
        context.output.remark(counts(&converted));
        Ok(ExitCode::SUCCESS)
    }

    /// # Errors
    /// If the result is no catalogue that a server takes, such as one with too many routes.
    fn check(&self, converted: &Converted, text: &str) -> Result<(), Failure> {
        let size = text.len() as u64;
        if size > MAX_CATALOGUE_FILE {
            return Err(self.unusable(&format!(
                "its catalogue would have {size} bytes, the limit is {MAX_CATALOGUE_FILE}"
            )));
        }
        let catalogue = tokenlatch::core::Catalogue {
            routes: converted.routes.iter().map(|written| written.route.clone()).collect(),
            ..tokenlatch::core::Catalogue::default()
        };
        let checked = catalogue.explain().map(drop);
        checked.map_err(|error| self.unusable(&error.message))
    }

    fn head(&self, document: &Document, converted: &Converted) -> Vec<String> {
        let by = self.feature_by.to_possible_value();
        let by = by.map(|value| value.get_name().to_owned()).unwrap_or_default();
        let (info, version) = (&document.info, document.version());
        vec![
            format!(
                "Routes of {} {}, from OpenAPI {version}, features by {by}.",
                info.title, info.version
            ),
            format!("{}.", counts(converted)),
        ]
    }

    fn unusable(&self, reason: &str) -> Failure {
        Failure::Own {
            code: "openapi_invalid",
            message: format!("`{}` cannot be used: {reason}", self.file.display()),
            exit: 5,
        }
    }
}

fn report(converted: &Converted) -> Report<'_> {
    Report {
        catalogue: Catalogue {
            builtin: false,
            default: "full",
            route: converted.routes.iter().map(|written| &written.route).collect(),
        },
        operations: converted.operations,
        left_out: converted.left_out,
        conflicts: converted.conflicts,
        wider: converted.wider,
        notes: &converted.notes,
    }
}

fn counts(converted: &Converted) -> String {
    let featured = converted
        .routes
        .iter()
        .filter(|written| written.route.feature.is_some())
        .count();
    format!(
        "{} routes for {} operations: {featured} with a feature, {} wider than their operation, {} conflicts; {} operations left out",
        converted.routes.len(),
        converted.operations,
        converted.wider,
        converted.conflicts,
        converted.left_out,
    )
}
