//! Medians and spreads.

use serde::Serialize;

use crate::rounds::{Runtime, Timed};

/// The median, the minimum and the maximum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of the numbers; `None` if there are none.
    pub(crate) fn of(numbers: &[f64]) -> Option<Spread> {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        } else {
            sorted[middle]
        };
        Some(Spread { median, min, max })
    }
}

/// One row of the results. A row without figures has a reason.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) runtime: &'static str,
    pub(crate) case: &'static str,
    pub(crate) median_ns: Option<f64>,
    pub(crate) min_ns: Option<f64>,
    pub(crate) max_ns: Option<f64>,
    /// Ratio to the case `table` in the same runtime: the median over the rounds.
    pub(crate) of_table: Option<f64>,
    pub(crate) rounds: usize,
    /// Calls in a round.
    pub(crate) calls: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<String>,
}

/// A row for every case of every runtime.
pub(crate) fn rows(runtimes: &[Runtime]) -> Vec<Row> {
    let row = |runtime: &Runtime, timed: &Timed| {
        let spread = Spread::of(&timed.times);
        let rounded = |value: f64| (value * 10.0).round() / 10.0;
        Row {
            runtime: runtime.name,
            case: timed.case,
            median_ns: spread.map(|spread| rounded(spread.median)),
            min_ns: spread.map(|spread| rounded(spread.min)),
            max_ns: spread.map(|spread| rounded(spread.max)),
            of_table: ratio(&timed.times, times(runtime, "table")).map(|ratio| ratio.median),
            rounds: timed.times.len(),
            calls: timed.calls,
            missing: timed.missing.clone(),
        }
    };
    runtimes
        .iter()
        .flat_map(|runtime| runtime.cases.iter().map(move |timed| row(runtime, timed)))
        .collect()
}

fn times<'r>(runtime: &'r Runtime, case: &str) -> &'r [f64] {
    let timed = runtime.cases.iter().find(|timed| timed.case == case);
    timed.map_or(&[], |timed| &timed.times)
}

/// The ratios of two cases, round by round.
fn ratio(above: &[f64], below: &[f64]) -> Option<Spread> {
    Spread::of(&above.iter().zip(below).map(|(a, b)| a / b).collect::<Vec<_>>())
}

/// A ratio that the report shows.
pub(crate) struct Ratio {
    pub(crate) above: String,
    pub(crate) below: String,
    pub(crate) spread: Spread,
    /// The target value, if there is one.
    pub(crate) aim: &'static str,
}

/// Ratios within one runtime. The targets apply to Node.
const WITHIN: &[(&str, &str, &str)] = &[
    ("table", "node-crypto-map", "below 1"),
    ("table", "node-crypto-map-bare", ""),
    ("table-hot", "node-crypto-map-hot", ""),
    ("jose-hs256", "table", "at least 30"),
    ("jose-hs256", "table-hot", ""),
    ("jose-hs256-key", "table", ""),
    ("table", "sha256-create-hash", ""),
    ("table-hot", "sha256-create-hash", ""),
    ("table-hot", "sha256-block", ""),
];

/// All ratios whose cases were measured.
pub(crate) fn ratios(runtimes: &[Runtime]) -> Vec<Ratio> {
    let mut found = Vec::new();
    for runtime in runtimes {
        for (above, below, aim) in WITHIN {
            if let Some(spread) = ratio(times(runtime, above), times(runtime, below)) {
                found.push(Ratio {
                    above: format!("{} `{above}`", runtime.name),
                    below: format!("`{below}`"),
                    spread,
                    aim: if runtime.name == "node" { aim } else { "" },
                });
            }
        }
    }
    let named = |name: &str| runtimes.iter().find(|runtime| runtime.name == name);
    if let (Some(wasmtime), Some(native)) = (named("wasmtime"), named("native")) {
        for case in ["table", "table-hot"] {
            if let Some(spread) = ratio(times(wasmtime, case), times(native, case)) {
                found.push(Ratio {
                    above: format!("wasmtime `{case}`"),
                    below: format!("native `{case}`"),
                    spread,
                    aim: "",
                });
            }
        }
    }
    found
}
