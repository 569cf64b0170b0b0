//! Measures how soon edges refuse a revoked token, with push and with polling every second, while clients keep all servers busy.
//! Also tests edges whose link to the origin is cut.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokenlatch_tests::Fault;
use tokenlatch_tests::edges::{Carried, Crowd, Cut, Edges, Keys, Lag, Load, Settings};
use tokenlatch_tests::service::{Place, Stock};

use crate::Options;
use crate::report::{middle, print_document, print_table};

/// Limit for the 99th percentile with push, in milliseconds.
const PUSHED: f64 = 1_000.0;
/// Poll interval in seconds, and in milliseconds the time allowed for the request itself while clients keep every processor busy.
const POLL: u64 = 1;
const ASKING: f64 = 1_000.0;
/// How long a table may be used, in seconds: the default, and the one for the cut link.
const MAX_AGE: u64 = 60;
const SHORT_AGE: u64 = 5;
/// Steps of the progress bar for the cut link.
const STEPS: usize = 3;

/// Results of one edge with push or polling.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    edge: &'static str,
    follows: &'static str,
    revocations: usize,
    median_milliseconds: f64,
    p99_milliseconds: f64,
    max_milliseconds: f64,
    /// Valid tokens that clients presented to the edge per second. All were admitted.
    requests_per_second: f64,
    whole_snapshots: u64,
}

/// Results of one edge whose link was cut.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Apart {
    edge: &'static str,
    max_age_seconds: u64,
    admitted_seconds: f64,
    admissions: u64,
    refusals: u64,
    reason: &'static str,
    says: &'static str,
    back_after_seconds: f64,
    deltas: u64,
    whole_snapshots: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    tokens: usize,
    connections: usize,
    lag: Vec<Row>,
    origin_requests_per_second: Vec<f64>,
    cut: Vec<Apart>,
}

/// Measures, and prints the results.
///
/// # Errors
/// A program does not start, an edge behaves wrongly, or revocations take too long.
pub fn measure(options: &Options) -> Result<(), Fault> {
    let pushed = options.rounds.unwrap_or(300).max(1);
    let polled = pushed.div_ceil(5);
    let clients = options.connections.unwrap_or(4) as usize;
    let bar = bar(pushed + polled + STEPS)?;
    bar.set_message(format!("making {} tokens", options.token_count()));
    let place = Place::new()?;
    let stock = Stock::make(options.accounts, options.token_count())?;
    stock.fill(place.database())?;
    let mut crowd = Crowd::of(&stock, pushed + polled + 1)?;
    drop(stock);
    let keys = Keys::make(&place)?;
    let good = crowd.good.first().cloned().unwrap_or_default();

    let (mut lag, mut origin) = (Vec::new(), Vec::new());
    for (poll, follows, rounds) in [
        (None, "told at once", pushed),
        (Some(POLL), "asks every second", polled),
    ] {
        bar.set_message(format!("starting everyone: {follows}"));
        let settings = Settings { poll, max_age: MAX_AGE };
        let edges = Edges::start(&place, &keys, settings, &good)?;
        bar.set_message(format!("revoking: {follows}"));
        let load = Load::start(&edges.goals(), crowd.good.clone(), clients);
        let lags = edges.lag(&mut crowd, rounds, &bar)?;
        let carried = load.end().map_err(|fault| edges.explained(fault))?;
        let rate = |place| rate(&carried, place);
        origin.push(rate(lags.len()));
        lag.extend(
            lags.iter()
                .enumerate()
                .map(|(place, lag)| row(lag, follows, rate(place))),
        );
    }

    bar.set_message("starting everyone: a short age");
    let settings = Settings {
        poll: None,
        max_age: SHORT_AGE,
    };
    let edges = Edges::start(&place, &keys, settings, &good)?;
    let cut = edges.cut(&mut crowd, &good, &bar)?;
    bar.finish_and_clear();

    let document = Document {
        tokens: options.token_count(),
        connections: clients,
        lag,
        origin_requests_per_second: origin,
        cut: cut.iter().map(apart).collect(),
    };
    match options.json {
        true => print_document(&document)?,
        false => print(&document),
    }
    judge(&document)
}

fn bar(length: usize) -> Result<ProgressBar, Fault> {
    let bar = ProgressBar::new(length as u64);
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {eta:>4} {msg}");
    bar.set_style(style.map_err(Fault::during("the progress bar"))?);
    Ok(bar)
}

fn milliseconds(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn rate(carried: &Carried, place: usize) -> f64 {
    let answers = carried.answers.get(place).copied().unwrap_or_default();
    answers as f64 / carried.time.as_secs_f64()
}

fn row(lag: &Lag, follows: &'static str, rate: f64) -> Row {
    let mut sorted: Vec<f64> = lag.times.iter().map(milliseconds).collect();
    sorted.sort_by(f64::total_cmp);
    // The smallest value that at least 99 of 100 do not exceed.
    let p99 = (sorted.len() * 99).div_ceil(100).saturating_sub(1);
    let (median, (_, longest)) = middle(sorted.iter().copied());
    Row {
        edge: lag.name,
        follows,
        revocations: sorted.len(),
        median_milliseconds: median,
        p99_milliseconds: sorted.get(p99).copied().unwrap_or_default(),
        max_milliseconds: longest,
        requests_per_second: rate,
        whole_snapshots: lag.wholes,
    }
}

fn apart(cut: &Cut) -> Apart {
    Apart {
        edge: cut.name,
        max_age_seconds: SHORT_AGE,
        admitted_seconds: cut.admitted.as_secs_f64(),
        admissions: cut.admissions,
        refusals: cut.refusals,
        reason: "snapshot_stale",
        says: cut.says,
        back_after_seconds: cut.back.as_secs_f64(),
        deltas: cut.deltas,
        whole_snapshots: cut.wholes,
    }
}

fn print(document: &Document) {
    let lag = document.lag.iter().map(|row| {
        vec![
            format!("{}, {}", row.edge, row.follows),
            row.revocations.to_string(),
            format!("{:.1}", row.median_milliseconds),
            format!("{:.1}", row.p99_milliseconds),
            format!("{:.1}", row.max_milliseconds),
            format!("{:.0}", row.requests_per_second),
            row.whole_snapshots.to_string(),
        ]
    });
    let heads = [
        "refused after",
        "revocations",
        "median ms",
        "p99 ms",
        "max ms",
        "requests/s",
        "whole snapshots",
    ];
    print_table(&heads, lag);
    let rates: Vec<String> = document
        .origin_requests_per_second
        .iter()
        .map(|rate| format!("{rate:.0}"))
        .collect();
    println!(
        "\nThe origin answered {} requests/s meanwhile; no good token was refused anywhere.\n",
        rates.join(" and ")
    );
    let cut = document.cut.iter().map(|row| {
        vec![
            row.edge.to_owned(),
            format!("{:.1}", row.admitted_seconds),
            format!("{} : {}", row.admissions, row.refusals),
            format!("{:.2}", row.back_after_seconds),
            row.deltas.to_string(),
            row.whole_snapshots.to_string(),
        ]
    });
    let limit = format!("admits for s, of {SHORT_AGE}");
    print_table(
        &[
            "cut off",
            &limit,
            "admitted : refused",
            "back after s",
            "deltas",
            "whole snapshots",
        ],
        cut,
    );
    for row in &document.cut {
        println!("{}: `{}` stands in {}", row.edge, row.reason, row.says);
    }
}

fn judge(document: &Document) -> Result<(), Fault> {
    for row in &document.lag {
        let limit = match row.follows {
            "told at once" => PUSHED,
            _ => POLL as f64 * 1e3 + ASKING,
        };
        if row.p99_milliseconds > limit {
            let (edge, follows) = (row.edge, row.follows);
            return Err(Fault::new(format!(
                "{edge}, {follows}: more than {limit} ms in one of a hundred"
            )));
        }
    }
    match document
        .cut
        .iter()
        .find(|row| row.whole_snapshots > 0 || row.deltas == 0)
    {
        Some(row) => Err(Fault::new(format!("{} didn't come back by deltas", row.edge))),
        None => Ok(()),
    }
}
