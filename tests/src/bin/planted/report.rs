//! The results as a table, as JSON and as sentences.

use serde::{Deserialize, Serialize};
use tokenlatch_tests::planted::Patch;
use tokenlatch_tests::report::plain;

use crate::layers::LAYERS;

/// The result of one patch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub(crate) enum Finding {
    /// A test failed.
    Caught {
        /// The layer of the test.
        layer: String,
        /// The first test that failed.
        test: String,
    },
    /// Every test of every layer passed.
    Missed {
        /// The layers that ran.
        layers: Vec<String>,
    },
    /// The patch has no place in the tree.
    DoesNotApply {
        /// Which part, and why.
        message: String,
    },
    /// The tree can't be built with the patch.
    DoesNotCompile {
        /// The first error.
        message: String,
    },
    /// The tests ended without a result.
    Broken {
        /// Which, and how.
        message: String,
    },
}

/// A patch and its result.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) mistake: String,
    pub(crate) class: String,
    #[serde(flatten)]
    pub(crate) finding: Finding,
    /// The time for building and testing.
    pub(crate) seconds: u64,
}

/// The longest test name in the table, in characters.
const LONGEST: usize = 64;

impl Row {
    pub(crate) fn new(patch: &Patch, finding: Finding, seconds: u64) -> Row {
        Row {
            name: patch.name.clone(),
            mistake: patch.mistake.clone(),
            class: patch.class.clone(),
            finding,
            seconds,
        }
    }

    pub(crate) fn is_caught(&self) -> bool {
        matches!(self.finding, Finding::Caught { .. })
    }

    /// One line, for progress.
    pub(crate) fn line(&self) -> String {
        let Row { name, seconds, .. } = self;
        let (result, detail) = self.cells();
        format!("{name}: {result}, {detail} ({seconds} s)")
    }

    fn cells(&self) -> (&str, &str) {
        match &self.finding {
            Finding::Caught { layer, test } => (layer, test),
            Finding::Missed { .. } => ("MISSED", "every test passed"),
            Finding::DoesNotApply { .. } => ("–", "the patch does not apply"),
            Finding::DoesNotCompile { .. } => ("–", "the patch does not compile"),
            Finding::Broken { .. } => ("–", "the tests ended without a result"),
        }
    }

    /// What is wrong and what to do, unless the mistake was caught.
    pub(crate) fn fault(&self) -> Option<String> {
        let name = &self.name;
        match &self.finding {
            Finding::Caught { .. } => None,
            Finding::Missed { layers } => Some(format!(
                "{name} isn't caught by any test ({}): {} Add a vector or a test that fails with it",
                layers.join(", "),
                self.mistake
            )),
            Finding::DoesNotApply { message } => Some(format!(
                "{name} does not apply: {message}. Make the same mistake in the present source, and write the patch again"
            )),
            Finding::DoesNotCompile { message } => Some(format!(
                "{name} does not compile, so it tests nothing: {message}. Correct the patch"
            )),
            Finding::Broken { message } => Some(format!("{name} has no result: {message}. Run it again")),
        }
    }
}

/// The results as a table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = plain(&["planted bug", "caught by", "first failed test", "s"], 3..4);
    for row in rows {
        let (result, detail) = row.cells();
        table.add_row([row.name.as_str(), result, &shortened(detail), &row.seconds.to_string()]);
    }
    table.to_string()
}

/// The last line: how many were caught, and by which layers.
pub(crate) fn summary(rows: &[Row]) -> String {
    let caught = rows.iter().filter(|row| row.is_caught()).count();
    let by: Vec<String> = LAYERS
        .iter()
        .filter_map(|layer| {
            let here = |row: &&Row| row.is_caught() && row.cells().0 == layer.name;
            let count = rows.iter().filter(here).count();
            (count > 0).then(|| format!("{} {count}", layer.name))
        })
        .collect();
    format!("planted bugs: {caught} of {} caught: {}", rows.len(), by.join(", "))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST - 1).collect();
    format!("{}…", start.trim_end())
}
