//! The service's metrics, in the Prometheus text format. They contain no user, token or address.

use std::sync::OnceLock;
use std::time::Duration;

use ::metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use axum::http::StatusCode;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::web_names;
use tokenlatch::FollowerStatus;

const REQUESTS: &str = "tokenlatch_requests_total";
const SECONDS: &str = "tokenlatch_request_seconds";
const VERIFICATIONS: &str = "tokenlatch_verifications_total";
const REFUSED_HEADS: &str = "tokenlatch_edge_refusals_total";
const CONNECTIONS: &str = "tokenlatch_connections";
const TURNED_AWAY: &str = "tokenlatch_connections_turned_away_total";
const EVICTED: &str = "tokenlatch_connections_evicted_total";
const RECORDS: &str = "tokenlatch_table_records";
const BLOCKED: &str = "tokenlatch_blocked_addresses";
const MISSED_USES: &str = "tokenlatch_uses_missed_total";
const WENT_BACK: &str = "tokenlatch_store_went_back_total";
const LOST_LINES: &str = "tokenlatch_log_lines_lost_total";

const SNAPSHOT_MADE: &str = "tokenlatch_snapshot_made_seconds";
const SNAPSHOTS: &str = "tokenlatch_snapshot_messages_total";
const SNAPSHOT_FAILING: &str = "tokenlatch_snapshot_failing";

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// The process has one set of metrics, for all servers in it.
static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder.
pub(crate) fn begin() {
    HANDLE.get_or_init(|| {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(SECONDS.to_owned()), BOUNDS)
            .and_then(PrometheusBuilder::install_recorder)
            .inspect_err(|error| tracing::warn!("metrics are not available: {error}"))
            .ok()?;
        describe_counter!(REQUESTS, "Requests, by port, class and status");
        describe_histogram!(SECONDS, "Time from a request's head to its reply, in seconds");
        describe_counter!(VERIFICATIONS, "Verifications, by reason");
        describe_counter!(REFUSED_HEADS, "Requests refused by the HTTP checks, by code");
        describe_gauge!(CONNECTIONS, "Connections now, by port");
        describe_counter!(TURNED_AWAY, "Connections over a limit, by port");
        describe_counter!(EVICTED, "Idle connections that were closed to make room, by port");
        describe_gauge!(RECORDS, "Records in the table");
        describe_gauge!(SNAPSHOT_MADE, "Creation time of the current snapshot, in Unix seconds");
        describe_counter!(
            SNAPSHOTS,
            "Snapshots, deltas and heartbeats from the origin, by outcome"
        );
        describe_gauge!(SNAPSHOT_FAILING, "1 while the origin cannot be followed");
        describe_gauge!(BLOCKED, "Addresses blocked after too many failures");
        describe_counter!(
            MISSED_USES,
            "Uses that were not recorded, because too many tokens were used at once"
        );
        describe_counter!(
            WENT_BACK,
            "How often the database was found replaced or in an older state"
        );
        describe_counter!(LOST_LINES, "Log lines dropped because the log was read too slowly");
        Some(handle)
    });
}

/// The port whose paths are all the API's.
pub(crate) const GUARD: &str = "guard";

/// The class of a request's path. Labels with whole paths would be unbounded.
pub(crate) fn class(port: &'static str, path: &str) -> &'static str {
    if port == GUARD {
        return GUARD;
    }
    const CLASSES: &[(&str, &str)] = &[
        ("/execute/Tokens/", "tokens"),
        ("/execute/", "execute"),
        ("/json-api/cpanel", "api2"),
        ("/json-api/", "whm"),
    ];
    match path {
        "/auth" => "auth",
        "/snapshot" | "/snapshot/deltas" | "/snapshot/usage" => "snapshot",
        "/health" | "/ready" | "/metrics" | "/openapi.json" => "operations",
        _ if web_names::belongs(path) => "page",
        _ => CLASSES
            .iter()
            .find(|(start, _)| path.starts_with(start))
            .map_or("other", |(_, class)| class),
    }
}

/// Counts a reply.
pub(crate) fn replied(port: &'static str, class: &'static str, status: StatusCode, time: Duration) {
    counter!(REQUESTS, "port" => port, "class" => class, "status" => status_text(status)).increment(1);
    histogram!(SECONDS, "class" => class).record(time.as_secs_f64());
}

/// Counts a verification.
pub(crate) fn verified(reason: &'static str) {
    counter!(VERIFICATIONS, "reason" => reason).increment(1);
}

/// Counts a request that was refused before routing.
pub(crate) fn refused(code: &'static str) {
    counter!(REFUSED_HEADS, "code" => code).increment(1);
}

/// Counts a connection that was refused over a limit.
pub(crate) fn turned_away(port: &'static str) {
    counter!(TURNED_AWAY, "port" => port).increment(1);
}

/// Counts a connection that was closed to make room for another.
pub(crate) fn evicted(port: &'static str) {
    counter!(EVICTED, "port" => port).increment(1);
}

/// Sets the number of connections.
pub(crate) fn connections(port: &'static str, number: usize) {
    gauge!(CONNECTIONS, "port" => port).set(f64::from(u32::try_from(number).unwrap_or(u32::MAX)));
}

/// Counts dropped log lines.
pub(crate) fn lost_lines(number: u64) {
    counter!(LOST_LINES).increment(number);
}

/// Numbers of a server that are read when the metrics are.
pub(crate) struct ServerFigures {
    /// Records in the table.
    pub(crate) records: usize,
    /// Uses that were not stored.
    pub(crate) missed_usage: u64,
    /// How often the database went back in time.
    pub(crate) went_back: u64,
    /// Addresses that are blocked after failed attempts.
    pub(crate) blocked: usize,
}

/// The current metrics.
pub(crate) fn render(figures: &ServerFigures) -> String {
    let number = |value: usize| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    gauge!(RECORDS).set(number(figures.records));
    counter!(MISSED_USES).absolute(figures.missed_usage);
    counter!(WENT_BACK).absolute(figures.went_back);
    gauge!(BLOCKED).set(number(figures.blocked));
    rendered()
}

/// The current metrics of an edge.
pub(crate) fn render_edge(status: &FollowerStatus, blocked: usize) -> String {
    let number = |value: usize| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    if let Some(held) = &status.state {
        gauge!(RECORDS).set(number(held.tokens));
        // An `f64` holds whole seconds exactly for millions of years.
        #[expect(clippy::cast_precision_loss, reason = "metrics have this type")]
        gauge!(SNAPSHOT_MADE).set(held.made as f64);
    }
    counter!(SNAPSHOTS, "outcome" => "taken").absolute(status.taken);
    counter!(SNAPSHOTS, "outcome" => "refused").absolute(status.refused);
    gauge!(SNAPSHOT_FAILING).set(if status.failing.is_some() { 1.0 } else { 0.0 });
    counter!(MISSED_USES).absolute(status.missed_uses);
    gauge!(BLOCKED).set(number(blocked));
    rendered()
}

fn rendered() -> String {
    HANDLE
        .get()
        .and_then(Option::as_ref)
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

/// Moves recorded values into their buckets. Otherwise they would pile up between two scrapes.
pub(crate) fn run_upkeep() {
    if let Some(handle) = HANDLE.get().and_then(Option::as_ref) {
        handle.run_upkeep();
    }
}

/// The status codes that this service sends, as text without allocation.
fn status_text(status: StatusCode) -> &'static str {
    const TEXTS: &[(u16, &str)] = &[
        (101, "101"),
        (200, "200"),
        (204, "204"),
        (301, "301"),
        (302, "302"),
        (303, "303"),
        (304, "304"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (408, "408"),
        (409, "409"),
        (413, "413"),
        (414, "414"),
        (415, "415"),
        (417, "417"),
        (421, "421"),
        (422, "422"),
        (429, "429"),
        (431, "431"),
        (500, "500"),
        (501, "501"),
        (502, "502"),
        (503, "503"),
        (504, "504"),
        (505, "505"),
    ];
    TEXTS
        .iter()
        .find(|(code, _)| *code == status.as_u16())
        .map_or("other", |(_, text)| text)
}
