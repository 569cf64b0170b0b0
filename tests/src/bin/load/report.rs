//! Medians, as a table or as JSON.

use std::time::Duration;

use serde::Serialize;
use tokenlatch_tests::Fault;
use tokenlatch_tests::report::markdown;

use crate::wrk::Run;

/// The medians of one target's runs.
#[derive(Serialize)]
pub struct Row {
    name: String,
    /// Requests per second.
    #[serde(rename = "requestsPerSecond")]
    pub requests: f64,
    #[serde(rename = "p50Microseconds")]
    p50: f64,
    #[serde(rename = "p99Microseconds")]
    p99: f64,
    ratio: f64,
    /// The slowest and the fastest run, which show how reliable the figures are.
    #[serde(rename = "requestsPerSecondFromTo")]
    range: (f64, f64),
}

impl Row {
    /// The medians of these runs. The ratio is to `first` requests per second, or to the runs' own if there is none.
    pub fn median(name: &str, runs: &[Run], first: Option<f64>) -> Row {
        let rate = |run: &Run| run.requests as f64 * 1e6 / run.microseconds.max(1) as f64;
        let (requests, range) = middle(runs.iter().map(rate));
        Row {
            name: name.to_owned(),
            requests,
            p50: middle(runs.iter().map(|run| run.p50 as f64)).0,
            p99: middle(runs.iter().map(|run| run.p99 as f64)).0,
            ratio: first.map_or(1.0, |first| requests / first),
            range,
        }
    }
}

/// The median times of one view with few and with many tokens, in milliseconds.
#[derive(Serialize)]
pub struct Timed {
    name: String,
    few: f64,
    many: f64,
    /// Ratio of the time with many tokens to that with few.
    pub ratio: f64,
}

impl Timed {
    /// The medians of these times.
    pub fn of(name: &str, few: Vec<Duration>, many: Vec<Duration>) -> Timed {
        let milliseconds = |times: Vec<Duration>| middle(times.iter().map(|time| time.as_secs_f64() * 1e3)).0;
        let (few, many) = (milliseconds(few), milliseconds(many));
        Timed {
            name: name.to_owned(),
            few,
            many,
            ratio: many / few,
        }
    }
}

/// Prints median times under these headings.
///
/// # Errors
/// The times cannot be written as JSON.
pub fn print_times(rows: &[Timed], few: &str, many: &str, json: bool) -> Result<(), Fault> {
    let lines = rows.iter().map(|row| {
        let number = |value| format!("{value:.2}");
        vec![row.name.clone(), number(row.few), number(row.many), number(row.ratio)]
    });
    show(rows, &["", few, many, "ratio"], lines, json)
}

/// The median, and the minimum and maximum.
pub fn middle(numbers: impl Iterator<Item = f64>) -> (f64, (f64, f64)) {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let last = sorted.len().saturating_sub(1);
    ((at(last / 2) + at(sorted.len() / 2)) / 2.0, (at(0), at(last)))
}

/// Prints the rows.
///
/// # Errors
/// The rows cannot be written as JSON.
pub fn print(rows: &[Row], json: bool) -> Result<(), Fault> {
    let lines = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            format!("{:.0}", row.requests),
            format!("{:.0} – {:.0}", row.range.0, row.range.1),
            format!("{:.2}", row.p50 / 1000.0),
            format!("{:.2}", row.p99 / 1000.0),
            format!("{:.2}", row.ratio),
        ]
    });
    let heads = ["", "requests/s", "from – to", "p50 ms", "p99 ms", "of (a)"];
    show(rows, &heads, lines, json)
}

/// Prints one JSON document.
///
/// # Errors
/// The document cannot be written as JSON.
pub fn print_document<T: Serialize>(document: &T) -> Result<(), Fault> {
    let text = serde_json::to_string_pretty(document).map_err(Fault::during("the figures"))?;
    println!("{text}");
    Ok(())
}

fn show<T: Serialize>(
    rows: &[T],
    heads: &[&str],
    lines: impl Iterator<Item = Vec<String>>,
    json: bool,
) -> Result<(), Fault> {
    if json {
        return print_document(&rows);
    }
    print_table(heads, lines);
    Ok(())
}

/// Prints a table whose first column is text and whose other columns are figures.
pub fn print_table(heads: &[&str], lines: impl Iterator<Item = Vec<String>>) {
    let mut table = markdown(heads, 1..heads.len());
    for line in lines {
        table.add_row(line);
    }
    println!("{table}");
}
