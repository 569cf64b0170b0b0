//! What was measured, for people and for programs.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

/// A case: medians and percentiles over the rounds, in nanoseconds a call.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) ns: f64,
    pub(crate) ns_p10: f64,
    pub(crate) ns_p90: f64,
    /// To the bare hash in Node; none where Node didn't run.
    pub(crate) ratio: Option<f64>,
    /// To native within each round; only rows of wasmtime have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to_native: Option<f64>,
}

impl Row {
    pub(crate) fn of(case: &str, times: &[f64]) -> Self {
        Row {
            case: case.into(),
            ns: median(times),
            ns_p10: quantile(times, 0.1),
            ns_p90: quantile(times, 0.9),
            ratio: None,
            to_native: None,
        }
    }
}

pub(crate) fn median(times: &[f64]) -> f64 {
    quantile(times, 0.5)
}

fn quantile(times: &[f64], part: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Fills the ratios in, once the base is known.
pub(crate) fn relate(rows: &mut [Row], base: &str) {
    let base = rows.iter().find(|row| row.case == base).map(|row| row.ns);
    for row in rows {
        row.ratio = base.map(|base| row.ns / base);
    }
}

/// The rows as a table.
pub(crate) fn show(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["case", "median ns", "p10–p90", "ratio to createHash"]);
    for row in rows {
        table.add_row([
            row.case.clone(),
            format!("{:.0}", row.ns),
            format!("{:.0}–{:.0}", row.ns_p10, row.ns_p90),
            row.ratio.map_or("–".into(), |ratio| format!("{ratio:.3}")),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
