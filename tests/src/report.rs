//! The combined results of all runtimes.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::suite::Outcome;

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
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "runtime",
        "version",
        "face",
        "module SHA-256",
        "passed",
        "transcript SHA-256",
    ]);
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
    if let Some(column) = table.column_mut(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn short(digest: &str) -> String {
    digest.chars().take(16).collect()
}
