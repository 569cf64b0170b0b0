//! The results, for people and for programs.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use comfy_table::Table;
use tokenlatch_tests::Fault;
use tokenlatch_tests::report::{grouped, markdown};

use crate::cases;
use crate::figures::{Ratio, Row};
use crate::plot;

/// All results of one run.
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) ratios: Vec<Ratio>,
    /// Each runtime with its version.
    pub(crate) versions: Vec<String>,
    /// Runtimes that are missing on this machine, with the reason.
    pub(crate) skipped: Vec<String>,
    pub(crate) machine: String,
    /// Load of the machine before and after the run.
    pub(crate) load: Option<(String, String)>,
    pub(crate) tokens: usize,
    pub(crate) rounds: usize,
}

impl Report {
    /// One JSON object per line.
    pub(crate) fn json(&self) -> Result<String, Fault> {
        let mut text = String::new();
        for row in &self.rows {
            text += &serde_json::to_string(row).map_err(Fault::during("a row"))?;
            text.push('\n');
        }
        Ok(text)
    }

    /// The table, the ratios, and notes on how to read them.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "Nanoseconds a call, medians of {} rounds in which all take turns; {} tokens.\n\n{}\n\n",
            self.rounds,
            self.tokens,
            self.overview()
        );
        let _ = write!(text, "Medians of ratios over the rounds:\n\n{}\n\n", self.ratio_table());
        let _ = write!(
            text,
            "The same with the quickest and the slowest round:\n\n{}\n\n",
            self.table()
        );
        let _ = writeln!(text, "- Machine: {}.", self.machine);
        if let Some((before, after)) = &self.load {
            let _ = writeln!(text, "- Load average over a minute: {before} before, {after} after.");
        }
        let _ = writeln!(text, "- Versions: {}.", self.versions.join(", "));
        for skipped in &self.skipped {
            let _ = writeln!(text, "- Skipped {skipped}.");
        }
        text += "- The peers are JavaScript packages: native and wasmtime have no rows of them.\n";
        for case in cases::ALL {
            if self.rows.iter().any(|row| row.case == case.name) {
                let _ = writeln!(text, "- `{}`: {}.", case.name, case.about);
            }
        }
        text
    }

    /// A table with a row per case and a column per runtime.
    fn overview(&self) -> Table {
        let mut runtimes: Vec<&str> = self.rows.iter().map(|row| row.runtime).collect();
        runtimes.dedup();
        let heads: Vec<&str> = std::iter::once("case").chain(runtimes.iter().copied()).collect();
        let mut table = markdown(&heads, 1..heads.len());
        for case in cases::ALL {
            let median = |runtime: &&str| {
                let row = self
                    .rows
                    .iter()
                    .find(|row| row.runtime == *runtime && row.case == case.name);
                row.and_then(|row| row.median_ns).map_or("–".into(), shown)
            };
            if self.rows.iter().any(|row| row.case == case.name) {
                table.add_row(std::iter::once(format!("`{}`", case.name)).chain(runtimes.iter().map(median)));
            }
        }
        table
    }

    fn table(&self) -> Table {
        let heads = ["runtime", "case", "median ns", "min ns", "max ns", "of `table`", "note"];
        let mut table = markdown(&heads, 2..6);
        for row in &self.rows {
            let number = |value: Option<f64>| value.map_or("n/a".into(), shown);
            let note = row
                .missing
                .as_ref()
                .map_or(String::new(), |reason| format!("n/a: {reason}"));
            table.add_row([
                row.runtime.into(),
                row.case.into(),
                number(row.median_ns),
                number(row.min_ns),
                number(row.max_ns),
                row.of_table.map_or(String::new(), |ratio| format!("{ratio:.2}")),
                note,
            ]);
        }
        table
    }

    fn ratio_table(&self) -> Table {
        let mut table = markdown(&["of", "to", "median", "min", "max", "aim"], 2..5);
        for Ratio {
            above,
            below,
            spread,
            aim,
        } in &self.ratios
        {
            let number = |value| format!("{value:.2}");
            let [median, min, max] = [spread.median, spread.min, spread.max].map(number);
            table.add_row([above.clone(), below.clone(), median, min, max, (*aim).into()]);
        }
        table
    }

    /// Writes `bench.md`, `bench.json` and `bench.svg`.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Fault> {
        fs::create_dir_all(folder).map_err(Fault::during(folder.display()))?;
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(Fault::during(path.display()))
        };
        write("bench.md", self.markdown())?;
        write("bench.json", self.json()?)?;
        write("bench.svg", plot::svg(&self.rows, &self.machine)?)
    }
}

/// Formats a value with three significant digits and thousands separators.
fn shown(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    grouped(&format!("{value:.0}"))
}
