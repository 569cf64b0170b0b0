//! The clock and the age limit.

use tokenlatch_core::{ErrorCode, Heading, Reason, Snapshot, SnapshotOptions};

use crate::origin::{MAX_AGE, NOW, edge, heading, heartbeat, options, reason, snapshot};

const LAST: i64 = NOW + MAX_AGE as i64;

#[test]
fn an_edge_without_a_table_refuses_everything() {
    let edge = edge();
    let verdict = edge.verdict(edge.verify(0, b"", None, NOW)).unwrap();
    assert_eq!((verdict.status, verdict.reason), (503, Reason::SnapshotMissing));
    assert_eq!(verdict.refusal.unwrap().status, 503);
}

#[test]
fn refuses_everything_after_the_maximum_age() {
    let mut edge = edge();
    edge.apply(&snapshot(heading(1), &[1]), NOW).unwrap();
    assert_eq!(reason(&edge, 1, LAST), Reason::Ok);
    assert_eq!(reason(&edge, 1, LAST + 1), Reason::SnapshotStale);
    assert_eq!(reason(&edge, 2, LAST + 1), Reason::SnapshotStale);
}

#[test]
fn edge_may_shorten_but_not_extend_the_maximum_age() {
    for (max_age, last) in [
        (1, NOW + 1),
        (20, NOW + 20),
        (i64::from(MAX_AGE), LAST),
        (i64::from(MAX_AGE) + 1, LAST),
        (i64::MAX, LAST),
    ] {
        let max_age = Some(max_age);
        let mut edge = Snapshot::new(SnapshotOptions { max_age, ..options() }).unwrap();
        edge.apply(&snapshot(heading(1), &[1]), NOW).unwrap();
        assert_eq!(edge.state().unwrap().max_age, MAX_AGE, "what the origin allows");
        assert_eq!(reason(&edge, 1, last), Reason::Ok);
        assert_eq!(reason(&edge, 1, last + 1), Reason::SnapshotStale);
        let renewed = Heading {
            made: NOW + 30,
            ..heading(1)
        };
        edge.apply(&heartbeat(renewed), NOW + 30).unwrap();
        assert_eq!(reason(&edge, 1, last + 30), Reason::Ok);
        assert_eq!(reason(&edge, 1, last + 31), Reason::SnapshotStale);
    }
    for max_age in [0, -1, i64::MIN] {
        let max_age = Some(max_age);
        let error = Snapshot::new(SnapshotOptions { max_age, ..options() }).unwrap_err();
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::ValueInvalid, Some("maxAge"))
        );
    }
}

#[test]
fn a_heartbeat_renews_the_age() {
    let mut edge = edge();
    edge.apply(&snapshot(heading(1), &[1]), NOW).unwrap();
    let later = Heading {
        made: NOW + 100,
        ..heading(1)
    };
    let state = edge.apply(&heartbeat(later), NOW + 100).unwrap();
    assert_eq!((state.version, state.made), (1, NOW + 100));
    assert_eq!(reason(&edge, 1, LAST + 100), Reason::Ok);
    assert_eq!(reason(&edge, 1, LAST + 101), Reason::SnapshotStale);
}

#[test]
fn applies_a_stale_message_but_admits_nothing() {
    let mut edge = edge();
    edge.apply(&snapshot(heading(1), &[1]), LAST + 1000).unwrap();
    assert_eq!(reason(&edge, 1, LAST + 1000), Reason::SnapshotStale);
}

#[test]
fn clock_may_be_at_most_five_minutes_behind() {
    let mut edge = edge();
    edge.apply(&snapshot(heading(1), &[1]), NOW - 300).unwrap();
    assert_eq!(reason(&edge, 1, NOW - 300), Reason::Ok);
    assert_eq!(reason(&edge, 1, NOW - 301), Reason::ClockBackwards);
}

#[test]
fn clock_step_back_is_refused_until_a_newer_message() {
    let mut edge = edge();
    let long = Heading {
        max_age: 100_000,
        ..heading(1)
    };
    edge.apply(&snapshot(long, &[1]), NOW).unwrap();
    assert_eq!(reason(&edge, 1, NOW + 5000), Reason::Ok);
    assert_eq!(reason(&edge, 1, NOW + 4700), Reason::Ok);
    assert_eq!(reason(&edge, 1, NOW + 4699), Reason::ClockBackwards);
    edge.apply(&snapshot(long, &[1]), NOW + 4000).unwrap();
    assert_eq!(
        reason(&edge, 1, NOW + 4000),
        Reason::ClockBackwards,
        "the same message again tells nothing"
    );
    let newer = Heading {
        made: NOW + 4000,
        ..long
    };
    edge.apply(&heartbeat(newer), NOW + 4000).unwrap();
    assert_eq!(reason(&edge, 1, NOW + 4000), Reason::Ok);
}

#[test]
fn future_message_is_refused_with_clock_backwards() {
    let mut edge = edge();
    edge.apply(&snapshot(heading(1), &[1]), NOW).unwrap();
    let future = Heading {
        made: NOW + 301,
        ..heading(2)
    };
    let error = edge.apply(&snapshot(future, &[]), NOW).unwrap_err();
    assert_eq!(error.code, ErrorCode::ClockBackwards);
    assert_eq!(edge.state().unwrap().version, 1);
    assert_eq!(reason(&edge, 1, NOW), Reason::ClockBackwards);
    assert_eq!(reason(&edge, 1, NOW + 1), Reason::Ok);
}

#[test]
fn refuses_messages_while_the_clock_is_unset() {
    let error = edge().apply(&snapshot(heading(1), &[1]), 0).unwrap_err();
    assert_eq!(error.code, ErrorCode::NowInvalid);
}
