//! How the programs show results, and the combined results of all runtimes.

use std::ops::Range;

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle, presets};

use serde::Serialize;

use crate::fault::Fault;
use crate::suite::Outcome;

/// An empty table without lines, for a terminal. The columns `numbers`, counted from 0, are aligned to the right.
#[must_use]
pub fn plain(heads: &[&str], numbers: Range<usize>) -> Table {
    empty(presets::NOTHING, heads, numbers)
}

/// An empty table in Markdown. The columns `numbers`, counted from 0, are aligned to the right.
#[must_use]
pub fn markdown(heads: &[&str], numbers: Range<usize>) -> Table {
    empty(presets::ASCII_MARKDOWN, heads, numbers)
}

fn empty(style: TableStyle, heads: &[&str], numbers: Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(style);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heads);
    for at in numbers {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The digits of a number with a comma between thousands.
#[must_use]
pub fn grouped(digits: &str) -> String {
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Prints each row as one line of JSON, for `--json`.
///
/// # Errors
/// A row can't be written as JSON.
pub fn print_json<T: Serialize>(rows: &[T]) -> Result<(), Fault> {
    for row in rows {
        println!(
            "{}",
            serde_json::to_string(row).map_err(Fault::during("writing a row"))?
        );
    }
    Ok(())
}

/// How the runtimes disagree; empty if they agree.
#[must_use]
pub fn disagreements(outcomes: &[Outcome]) -> Vec<String> {
    let mut found = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_good()) {
        found.push(format!(
            "{} ({}) passed {} of {} vectors",
            outcome.identity.runtime, outcome.identity.face, outcome.passed, outcome.vectors
        ));
    }
    let digests: Vec<&str> = outcomes
        .iter()
        .filter_map(|outcome| outcome.identity.module_sha256.as_deref())
        .collect();
    if digests.windows(2).any(|pair| pair[0] != pair[1]) {
        found.push("the runtimes loaded different modules".into());
    }
    let Some(first) = outcomes.first() else {
        return vec!["no runtime ran".into()];
    };
    for other in outcomes.iter().skip(1) {
        if other.transcript_sha256 == first.transcript_sha256 {
            continue;
        }
        let place = first.answers.iter().zip(&other.answers).find(|(a, b)| a != b);
        let shown = place.map_or(String::new(), |(a, b)| format!(":\n    {a}\n    {b}"));
        found.push(format!(
            "the transcript of {} ({}) isn't that of {} ({}){shown}",
            other.identity.runtime, other.identity.face, first.identity.runtime, first.identity.face
        ));
    }
    found
}

/// The results as a table.
#[must_use]
pub fn table(outcomes: &[Outcome]) -> String {
    let header = [
        "runtime",
        "version",
        "face",
        "module SHA-256",
        "passed",
        "transcript SHA-256",
    ];
    let mut table = plain(&header, 4..5);
    for outcome in outcomes {
        let identity = &outcome.identity;
        table.add_row([
            identity.runtime.clone(),
            identity.version.clone(),
            identity.face.clone(),
            identity.module_sha256.as_deref().map_or("–".into(), short),
            format!("{}/{}", outcome.passed, outcome.vectors),
            short(&outcome.transcript_sha256),
        ]);
    }
    table.to_string()
}

fn short(digest: &str) -> String {
    digest.chars().take(16).collect()
}
