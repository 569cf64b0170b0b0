//! An origin publishes the content of its store: snapshots, deltas, heartbeats, and the edges' reports.
#![cfg(unix)]

use crate::common;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::database::Database;
use crate::common::edges::{call, key, publisher};
use crate::common::{NOW, module, plain};
use tokenlatch::core::{Features, Kind, SnapshotOptions, inspect};
use tokenlatch::{Delta, Message, Publisher, ReportedUse, Revision, Service, SetClock, Snapshot, UsageReport};

crate::common::over_both!(
    snapshot_admits_the_same_tokens_as_the_store,
    deltas_lead_from_any_version_to_the_newest,
    too_many_changes_and_pruned_history_are_a_gap,
    empty_delta_renews_the_age,
    cached_delta_is_renewed_for_later_edges,
    new_epoch_is_a_gap_with_a_later_snapshot,
    message_time_is_never_in_the_future,
    publisher_forgets_a_clock_far_ahead,
    manual_epochs_increase_by_random_steps,
    waiting_edges_receive_a_revocation_at_once,
    two_origins_of_one_database_are_interchangeable,
    repeated_report_counts_once,
    reported_values_are_clamped,
    a_report_may_name_tokens_by_hash,
);

fn edge() -> Snapshot {
    let options = SnapshotOptions {
        public_keys: vec![key().public_key()],
        ..SnapshotOptions::default()
    };
    Snapshot::new(&module(), &options).unwrap()
}

fn reason(edge: &mut Snapshot, header: &str, now: i64) -> &'static str {
    let number = edge.prepare(&call()).unwrap();
    let decision = edge.verify(number, header.as_bytes(), None, now).unwrap();
    edge.verdict(decision).unwrap().reason.as_str()
}

async fn clocked(database: &Database) -> (Service, Arc<SetClock>) {
    let clock = Arc::new(SetClock::at(NOW));
    (database.service().await.with_clock(clock.clone()), clock)
}

async fn token(service: &Service, name: &str) -> String {
    let created = service.create(plain(name)).await.unwrap();
    format!("cpanel alice:{}", created.token.expose())
}

fn message(delta: Delta) -> Arc<Message> {
    match delta {
        Delta::Message(message) => message,
        Delta::Gap => panic!("no delta leads on"),
    }
}

async fn since(publisher: &Publisher, revision: Revision) -> Arc<Message> {
    message(publisher.delta(revision, Duration::ZERO).await.unwrap())
}

async fn snapshot_admits_the_same_tokens_as_the_store(database: Database) {
    let (service, _) = clocked(&database).await;
    let good = token(&service, "good").await;
    let gone = token(&service, "gone").await;
    service.revoke("alice", None, &["gone".to_owned()]).await.unwrap();
    let publisher = publisher(&service, 60);
    let snapshot = publisher.snapshot().await.unwrap();
    let mut edge = edge();
    assert_eq!(reason(&mut edge, &good, NOW), "snapshot_missing");
    let state = edge.apply(&snapshot.bytes(), NOW).unwrap();
    assert_eq!((state.made, state.max_age, state.tokens), (NOW, 60, 2));
    assert_eq!(reason(&mut edge, &good, NOW), "ok");
    assert_eq!(reason(&mut edge, &gone, NOW), "token_revoked");
    assert_eq!(reason(&mut edge, "cpanel alice:NO", NOW), "header_malformed");
    assert_eq!(reason(&mut edge, &good, NOW + 60), "ok");
    assert_eq!(reason(&mut edge, &good, NOW + 61), "snapshot_stale");
    assert_eq!(publisher.snapshot().await.unwrap(), snapshot, "nothing has changed");
    let secret = good.split(':').next_back().unwrap().as_bytes();
    assert!(!snapshot.bytes().windows(secret.len()).any(|window| window == secret));
}

async fn deltas_lead_from_any_version_to_the_newest(database: Database) {
    let (service, _) = clocked(&database).await;
    let one = token(&service, "one").await;
    let publisher = publisher(&service, 60);
    let first = publisher.snapshot().await.unwrap();
    let (mut early, mut late) = (edge(), edge());
    early.apply(&first.bytes(), NOW).unwrap();
    late.apply(&first.bytes(), NOW).unwrap();

    let two = token(&service, "two").await;
    let delta = since(&publisher, first.revision).await;
    assert_eq!(inspect(&delta.bytes()).unwrap().kind, Kind::Delta);
    early.apply(&delta.bytes(), NOW).unwrap();
    assert_eq!(reason(&mut early, &two, NOW), "ok");
    assert_eq!(reason(&mut late, &two, NOW), "token_unknown");

    service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
    service.set_suspended("alice", true).await.unwrap();
    service.add_account("carol", Features::All).await.unwrap();
    for (edge, from) in [(&mut early, delta.revision), (&mut late, first.revision)] {
        let delta = since(&publisher, from).await;
        assert_eq!(delta.revision, service.store().revision().await.unwrap());
        edge.apply(&delta.bytes(), NOW).unwrap();
        assert_eq!(reason(edge, &one, NOW), "token_revoked");
        assert_eq!(reason(edge, &two, NOW), "account_suspended");
    }
}

async fn empty_delta_renews_the_age(database: Database) {
    let (service, clock) = clocked(&database).await;
    let one = token(&service, "one").await;
    let publisher = publisher(&service, 60);
    let first = publisher.snapshot().await.unwrap();
    let mut edge = edge();
    edge.apply(&first.bytes(), NOW).unwrap();
    clock.set(NOW + 50);
    let begun = Instant::now();
    let beat = message(publisher.delta(first.revision, Duration::from_secs(1)).await.unwrap());
    assert!(begun.elapsed() >= Duration::from_secs(1), "it waits for a change");
    assert_eq!(edge.apply(&beat.bytes(), NOW + 50).unwrap().made, NOW + 50);
    assert_eq!(reason(&mut edge, &one, NOW + 110), "ok");
    assert_eq!(reason(&mut edge, &one, NOW + 111), "snapshot_stale");
    // The snapshot is signed again, so that new edges get a recent one.
    let again = publisher.snapshot().await.unwrap();
    assert_eq!((again.revision, again.made), (first.revision, NOW + 50));
    assert_eq!(edge.apply(&again.bytes(), NOW + 50).unwrap().made, NOW + 50);
}

async fn cached_delta_is_renewed_for_later_edges(database: Database) {
    let (service, clock) = clocked(&database).await;
    let publisher = publisher(&service, 60);
    let first = publisher.snapshot().await.unwrap();
    let one = token(&service, "one").await;
    assert_eq!(since(&publisher, first.revision).await.made, NOW);
    clock.set(NOW + 100);
    let late = since(&publisher, first.revision).await;
    assert_eq!(late.made, NOW + 100);
    let mut edge = edge();
    edge.apply(&first.bytes(), NOW + 100).unwrap();
    edge.apply(&late.bytes(), NOW + 100).unwrap();
    assert_eq!(reason(&mut edge, &one, NOW + 100), "ok");
}

async fn new_epoch_is_a_gap_with_a_later_snapshot(database: Database) {
    let (service, clock) = clocked(&database).await;
    let one = token(&service, "one").await;
    let publisher = publisher(&service, 60);
    let first = publisher.snapshot().await.unwrap();
    let mut edge = edge();
    edge.apply(&first.bytes(), NOW).unwrap();
    service.rename_account("alice", "alicia").await.unwrap();
    let delta = publisher.delta(first.revision, Duration::from_secs(20)).await.unwrap();
    assert!(matches!(delta, Delta::Gap));
    // An edge accepts another epoch only if it was made later, and no message may have a future time.
    let second = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.snapshot().await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!second.is_finished());
    clock.set(NOW + 1);
    let second = second.await.unwrap();
    assert_eq!(second.made, NOW + 1);
    edge.apply(&second.bytes(), NOW).unwrap();
    assert_eq!(reason(&mut edge, &one, NOW), "user_mismatch");
    assert_eq!(reason(&mut edge, &one.replace("alice", "alicia"), NOW), "ok");
    // An edge does not accept its earlier state again.
    assert_eq!(edge.apply(&first.bytes(), NOW).unwrap_err().code(), "snapshot_rollback");
    let ahead = Revision {
        number: second.revision.number + 1,
        ..second.revision
    };
    let delta = publisher.delta(ahead, Duration::ZERO).await.unwrap();
    assert!(matches!(delta, Delta::Gap), "a version that there never was");
    let mut beside = second.revision.version();
    beside.version ^= 1;
    let delta = publisher.delta(beside, Duration::ZERO).await.unwrap();
    assert!(matches!(delta, Delta::Gap), "a version of another history");
}

async fn message_time_is_never_in_the_future(database: Database) {
    let service = database.service().await;
    let publisher = publisher(&service, 60);
    publisher.snapshot().await.unwrap();
    for (from, to) in [("alice", "b"), ("b", "c"), ("c", "d")] {
        service.rename_account(from, to).await.unwrap();
        let made = publisher.snapshot().await.unwrap().made;
        assert!(made <= service.clock().now().unwrap(), "{made}");
    }
}

async fn publisher_forgets_a_clock_far_ahead(database: Database) {
    let (service, clock) = clocked(&database).await;
    let publisher = publisher(&service, 60);
    clock.set(NOW + 100);
    assert_eq!(publisher.snapshot().await.unwrap().made, NOW + 100);
    clock.set(NOW);
    assert_eq!(
        publisher.snapshot().await.unwrap().made,
        NOW + 100,
        "edges hold that already"
    );
    clock.set(NOW + 1_000);
    publisher.snapshot().await.unwrap();
    clock.set(NOW);
    assert_eq!(publisher.snapshot().await.unwrap().made, NOW, "no edge took that");
}

async fn manual_epochs_increase_by_random_steps(database: Database) {
    let service = database.service().await;
    let first = service.store().revision().await.unwrap();
    service.begin_epoch().await.unwrap();
    let second = service.store().revision().await.unwrap();
    service.begin_epoch().await.unwrap();
    let third = service.store().revision().await.unwrap();
    assert!(first.epoch < second.epoch && second.epoch < third.epoch);
    // Steps are random: an equal one is practically impossible.
    assert_ne!(second.epoch - first.epoch, third.epoch - second.epoch);
}

async fn waiting_edges_receive_a_revocation_at_once(database: Database) {
    let (service, _) = clocked(&database).await;
    let one = token(&service, "one").await;
    let publisher = publisher(&service, 60);
    let first = publisher.snapshot().await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let (publisher, revision) = (publisher.clone(), first.revision);
        waiting.push(tokio::spawn(async move {
            let delta = message(publisher.delta(revision, Duration::from_secs(20)).await.unwrap());
            (Instant::now(), delta)
        }));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
    let revoked = Instant::now();
    publisher.nudge();
    for task in waiting {
        let (at, delta) = task.await.unwrap();
        assert!(at.saturating_duration_since(revoked) < Duration::from_millis(500));
        let mut edge = edge();
        edge.apply(&first.bytes(), NOW).unwrap();
        edge.apply(&delta.bytes(), NOW).unwrap();
        assert_eq!(reason(&mut edge, &one, NOW), "token_revoked");
    }
}

async fn two_origins_of_one_database_are_interchangeable(database: Database) {
    let (first, clock) = clocked(&database).await;
    let second = database.open().await.with_clock(clock);
    let one = token(&first, "one").await;
    let (near, far) = (publisher(&first, 60), publisher(&second, 60));
    let whole = near.snapshot().await.unwrap();
    let mut edge = edge();
    edge.apply(&whole.bytes(), NOW).unwrap();
    let waiter = {
        let (near, revision) = (near.clone(), whole.revision);
        tokio::spawn(async move {
            let delta = message(near.delta(revision, Duration::from_secs(20)).await.unwrap());
            (Instant::now(), delta)
        })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    second.revoke("alice", None, &["one".to_owned()]).await.unwrap();
    let revoked = Instant::now();
    let (at, delta) = waiter.await.unwrap();
    let lag = at.saturating_duration_since(revoked);
    println!("another server's revocation was out after {lag:?}");
    assert!(lag < Duration::from_millis(750), "{lag:?}");
    edge.apply(&delta.bytes(), NOW).unwrap();
    assert_eq!(reason(&mut edge, &one, NOW), "token_revoked");
    let two = token(&first, "two").await;
    let next = since(&far, delta.revision).await;
    edge.apply(&next.bytes(), NOW).unwrap();
    assert_eq!(reason(&mut edge, &two, NOW), "ok");
}

/// The time of reports. A use cannot be earlier than its token's creation.
const LATER: i64 = NOW + 1_000;

fn report(follower: &str, batch: i64, id: &str, uses: u64) -> UsageReport {
    UsageReport {
        follower: follower.to_owned(),
        batch,
        tokens: vec![ReportedUse {
            id: Some(id.to_owned()),
            hash: None,
            last_used: LATER - batch,
            uses,
        }],
    }
}

async fn used(service: &Service, id: &str) -> (i64, u64) {
    let usage = service.store().usage(&[id.to_owned()]).await.unwrap();
    usage.first().map_or((0, 0), |used| (used.last_used, used.uses))
}

async fn repeated_report_counts_once(database: Database) {
    let (service, clock) = clocked(&database).await;
    let id = service.create(plain("one")).await.unwrap().record.id;
    clock.set(LATER);
    let revision = service.store().revision().await.unwrap();
    for (batch, added) in [(1, true), (1, false), (2, true), (1, false), (2, false)] {
        let report = report("follower-one", batch, &id, 10);
        report.check().unwrap();
        assert_eq!(report.add_to(&service).await.unwrap(), added, "{batch}");
    }
    assert_eq!(used(&service, &id).await, (LATER - 1, 20));
    let mut tasks = Vec::new();
    for follower in ["follower-two", "follower-three"] {
        for _ in 0..4 {
            let (service, report) = (service.clone(), report(follower, 7, &id, 5));
            tasks.push(tokio::spawn(async move { report.add_to(&service).await }));
        }
    }
    let mut added = 0;
    for task in tasks {
        added += u32::from(task.await.unwrap().unwrap());
    }
    assert_eq!(added, 2);
    assert_eq!(used(&service, &id).await, (LATER - 1, 30));
    assert_eq!(service.store().revision().await.unwrap(), revision, "this is no change");
    assert_eq!(service.store().check().await.unwrap(), Vec::<String>::new());
    for spoilt in [
        report("short", 1, &id, 1),
        report("follower:one", 1, &id, 1),
        report("follower-one", 0, &id, 1),
        report("follower-one", -400, &id, 1),
    ] {
        assert!(spoilt.check().is_err(), "{spoilt:?}");
    }
}

async fn reported_values_are_clamped(database: Database) {
    const MOST: u64 = 9_007_199_254_740_991;
    let (service, _) = clocked(&database).await;
    let record = service.create(plain("one")).await.unwrap().record;
    let said = |batch: i64, last_used: i64, uses: u64| UsageReport {
        tokens: vec![ReportedUse {
            last_used,
            uses,
            ..report("follower-one", batch, &record.id, uses).tokens.remove(0)
        }],
        ..report("follower-one", batch, &record.id, uses)
    };
    let early = said(1, record.created - 5, 0);
    assert!(early.check().is_ok() && early.add_to(&service).await.unwrap());
    assert_eq!(used(&service, &record.id).await, (record.created, 0));
    assert!(said(2, i64::MAX, u64::MAX).add_to(&service).await.unwrap());
    assert_eq!(used(&service, &record.id).await, (NOW, u64::from(u32::MAX)));
    // The next report is accepted, however much is stored.
    let full = tokenlatch::Usage {
        id: record.id.clone(),
        last_used: NOW,
        uses: u64::MAX,
    };
    for _ in 0..2 {
        service.store().add_usage(std::slice::from_ref(&full)).await.unwrap();
        assert_eq!(used(&service, &record.id).await, (NOW, MOST));
    }
    assert!(said(3, NOW, 9).add_to(&service).await.unwrap());
    assert_eq!(used(&service, &record.id).await, (NOW, MOST));
    let twice = vec![full.clone(), full];
    service.store().add_usage(&twice).await.unwrap();
    assert_eq!(used(&service, &record.id).await, (NOW, MOST));
}

async fn a_report_may_name_tokens_by_hash(database: Database) {
    let (service, clock) = clocked(&database).await;
    let record = service.create(plain("one")).await.unwrap().record;
    clock.set(LATER);
    let mut report = report("follower-one", 1, "", 3);
    report.tokens[0].id = None;
    report.tokens[0].hash = Some(record.hash.clone());
    let mut unknown = report.tokens[0].clone();
    unknown.hash = Some(format!("sha256:{}", "0".repeat(64)));
    report.tokens.push(unknown);
    assert!(report.add_to(&service).await.unwrap());
    assert_eq!(used(&service, &record.id).await, (LATER - 1, 3));
}

async fn too_many_changes_and_pruned_history_are_a_gap(database: Database) {
    const DAY: i64 = 86_400;
    let (service, clock) = clocked(&database).await;
    token(&service, "one").await;
    let publisher = publisher(&service, 60);
    let first = publisher.snapshot().await.unwrap();
    service.revoke("alice", None, &["one".to_owned()]).await.unwrap();
    assert!(matches!(
        publisher.delta(first.revision, Duration::ZERO).await.unwrap(),
        Delta::Message(_)
    ));
    clock.set(NOW + 401 * DAY);
    assert_eq!(service.prune(400).await.unwrap(), 1);
    // A message that was made before is still right. One that would be made now is not.
    let publisher = common::edges::publisher(&service, 60);
    assert!(matches!(
        publisher.delta(first.revision, Duration::ZERO).await.unwrap(),
        Delta::Gap
    ));
    // Revisions that are increased at once stand for as many changes.
    let before = publisher.snapshot().await.unwrap();
    database
        .sql(
            "UPDATE state SET revision = revision + 16384",
            "UPDATE tokenlatch.state SET revision = revision + 16384",
        )
        .await
        .unwrap();
    assert!(matches!(
        publisher.delta(before.revision, Duration::ZERO).await.unwrap(),
        Delta::Gap
    ));
}
