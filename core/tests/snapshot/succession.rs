//! Which message may follow another.

use tokenlatch_core::{Error, ErrorCode, Floor, Heading, Publication, Reason, Snapshot, SnapshotOptions};

use crate::origin::{NOW, account, delta, edge, hash, heading, heartbeat, key, options, reason, record, snapshot};

fn at(version: u64, made: i64) -> Heading {
    Heading {
        made: NOW + made,
        ..heading(version)
    }
}

fn epoch(epoch: u64, made: i64) -> Heading {
    Heading { epoch, ..at(1, made) }
}

/// An edge that holds version 5, made 10 seconds after the start.
fn held() -> Snapshot {
    let mut edge = edge();
    edge.apply(&snapshot(at(5, 10), &[1, 2]), NOW + 10).unwrap();
    edge
}

fn code(result: Result<impl Sized, Error>) -> ErrorCode {
    result.err().unwrap().code
}

#[test]
fn a_newer_snapshot_takes_the_place_of_the_table() {
    let mut edge = held();
    let state = edge.apply(&snapshot(at(6, 11), &[2, 3]), NOW + 11).unwrap();
    assert_eq!((state.version, state.tokens), (6, 2));
    assert_eq!(reason(&edge, 1, NOW + 11), Reason::TokenUnknown);
    assert_eq!(reason(&edge, 3, NOW + 11), Reason::Ok);
}

#[test]
fn older_version_or_time_is_refused_as_rollback() {
    for older in [at(4, 20), at(5, 9), at(6, 9)] {
        assert_eq!(
            code(held().apply(&snapshot(older, &[1]), NOW + 20)),
            ErrorCode::SnapshotRollback
        );
    }
    held().apply(&snapshot(at(5, 10), &[1]), NOW + 10).unwrap();
}

#[test]
fn new_epoch_requires_a_later_snapshot() {
    assert_eq!(
        code(held().apply(&snapshot(epoch(2, 10), &[1]), NOW + 10)),
        ErrorCode::SnapshotRollback
    );
    assert_eq!(
        code(held().apply(&heartbeat(epoch(2, 11)), NOW + 11)),
        ErrorCode::SnapshotGap
    );
    let mut edge = held();
    edge.apply(&snapshot(epoch(0, 11), &[1]), NOW + 11).unwrap();
    assert_eq!(
        code(edge.apply(&snapshot(at(9, 11), &[1]), NOW + 11)),
        ErrorCode::SnapshotRollback
    );
}

#[test]
fn delta_applies_only_to_its_base_version() {
    let mut edge = held();
    assert_eq!(
        code(edge.apply(&delta(6, at(7, 11), 1, 3), NOW + 11)),
        ErrorCode::SnapshotGap
    );
    assert_eq!(
        code(edge.apply(&delta(4, at(6, 11), 1, 3), NOW + 11)),
        ErrorCode::SnapshotGap
    );
    assert_eq!(
        code(edge.apply(&delta(3, at(4, 11), 1, 3), NOW + 11)),
        ErrorCode::SnapshotRollback
    );
    assert_eq!(
        code(edge.apply(&delta(5, at(6, 9), 1, 3), NOW + 11)),
        ErrorCode::SnapshotRollback
    );
    let follows = delta(5, at(7, 11), 1, 3);
    assert_eq!(edge.apply(&follows, NOW + 11).unwrap().version, 7);
    assert_eq!(
        code(edge.apply(&follows, NOW + 11)),
        ErrorCode::SnapshotRollback,
        "it was applied already"
    );
    assert_eq!(
        code(edge.apply(&delta(5, at(8, 12), 1, 3), NOW + 12)),
        ErrorCode::SnapshotGap
    );
}

#[test]
fn a_delta_without_a_table_is_a_gap() {
    assert_eq!(
        code(edge().apply(&delta(5, at(6, 11), 1, 3), NOW + 11)),
        ErrorCode::SnapshotGap
    );
}

#[test]
fn floor_prevents_rollback_after_a_restart() {
    let floor = Some(Floor {
        epoch: 1,
        version: 5,
        made: NOW + 10,
    });
    let restarted = || Snapshot::new(SnapshotOptions { floor, ..options() }).unwrap();
    for older in [at(4, 20), at(5, 9), epoch(0, 10)] {
        assert_eq!(
            code(restarted().apply(&snapshot(older, &[1]), NOW + 20)),
            ErrorCode::SnapshotRollback
        );
    }
    restarted().apply(&snapshot(at(5, 10), &[1]), NOW + 20).unwrap();
    restarted().apply(&snapshot(epoch(0, 11), &[1]), NOW + 20).unwrap();
}

#[test]
fn trusts_only_the_configured_keys() {
    let signed = |number| Publication::snapshot(heading(1)).sign(&key(number)).unwrap();
    assert_eq!(code(edge().apply(&signed(2), NOW)), ErrorCode::SnapshotSignature);
    let public_keys = vec![key(1).public_key(), key(2).public_key()];
    let mut edge = Snapshot::new(SnapshotOptions {
        public_keys,
        ..options()
    })
    .unwrap();
    edge.apply(&signed(1), NOW).unwrap();
    edge.apply(&signed(2), NOW).unwrap();
}

#[test]
fn weak_or_invalid_public_keys_are_refused() {
    // The neutral element, a point of order 4, and a non-canonical encoding (RFC 8032, 5.1.3).
    let weak = [
        "01".to_owned() + &"00".repeat(31),
        "00".repeat(32),
        "ee".to_owned() + &"ff".repeat(30) + "7f",
    ];
    for public_key in weak.into_iter().chain(["zz".into(), String::new()]) {
        let public_keys = vec![public_key];
        let error = Snapshot::new(SnapshotOptions {
            public_keys,
            ..options()
        })
        .unwrap_err();
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::KeyInvalid, Some("publicKeys[0]"))
        );
    }
    let public_keys = Vec::new();
    assert_eq!(
        code(Snapshot::new(SnapshotOptions {
            public_keys,
            ..options()
        })),
        ErrorCode::KeyInvalid
    );
}

#[test]
fn later_delta_cannot_restore_a_revoked_token() {
    let mut edge = held();
    edge.apply(&delta(5, at(6, 11), 1, 3), NOW + 11).unwrap();
    assert_eq!(reason(&edge, 1, NOW + 11), Reason::TokenRevoked);
    assert_eq!(reason(&edge, 3, NOW + 11), Reason::Ok);
    edge.apply(&delta(6, at(7, 12), 2, 1), NOW + 12).unwrap();
    assert_eq!(reason(&edge, 1, NOW + 12), Reason::TokenRevoked);
}

#[test]
fn revocation_wins_over_a_row_in_the_same_delta() {
    let mut edge = held();
    edge.apply(&delta(5, at(6, 11), 8, 8), NOW + 11).unwrap();
    assert_eq!(reason(&edge, 8, NOW + 11), Reason::TokenRevoked);
}

#[test]
fn removing_a_user_revokes_their_tokens_for_good() {
    let mut edge = held();
    let mut gone = Publication::delta(5, at(6, 11));
    gone.remove_user("alice").unwrap();
    edge.apply(&gone.sign(&key(1)).unwrap(), NOW + 11).unwrap();
    assert_eq!(reason(&edge, 1, NOW + 11), Reason::TokenRevoked);
    edge.apply(&delta(6, at(7, 12), 9, 1), NOW + 12).unwrap();
    assert_eq!(reason(&edge, 1, NOW + 12), Reason::TokenRevoked);
    assert_eq!(reason(&edge, 2, NOW + 12), Reason::TokenRevoked);
    edge.apply(&delta(7, at(8, 13), 9, 4), NOW + 13).unwrap();
    assert_eq!(reason(&edge, 4, NOW + 13), Reason::Ok, "a new token of the new account");
}

#[test]
fn an_account_that_is_renamed_keeps_its_tokens() {
    let mut renamed = Publication::delta(5, at(6, 11));
    renamed.remove_user("alice").unwrap();
    renamed.account(&account("alicia")).unwrap();
    renamed.record(&record(1, "alicia")).unwrap();
    let mut edge = held();
    edge.apply(&renamed.sign(&key(1)).unwrap(), NOW + 11).unwrap();
    assert_eq!(reason(&edge, 1, NOW + 11), Reason::Ok);
    assert_eq!(
        reason(&edge, 2, NOW + 11),
        Reason::TokenRevoked,
        "what isn't said to be kept falls"
    );
}

#[test]
fn duplicate_rows_of_a_token_keep_its_revocation() {
    let mut made = Publication::snapshot(heading(1));
    let revoked = Some(NOW);
    for revoked in [None, revoked, None] {
        made.record(&tokenlatch_core::Record {
            revoked,
            ..record(1, "alice")
        })
        .unwrap();
    }
    let mut edge = edge();
    assert_eq!(edge.apply(&made.sign(&key(1)).unwrap(), NOW).unwrap().tokens, 1);
    assert_eq!(reason(&edge, 1, NOW), Reason::TokenRevoked);
}

#[test]
fn revokes_by_the_stored_hash_alone() {
    let mut made = Publication::delta(5, at(6, 11));
    made.revoke(&hash(2, &[])).unwrap();
    let mut edge = held();
    edge.apply(&made.sign(&key(1)).unwrap(), NOW + 11).unwrap();
    assert_eq!(reason(&edge, 2, NOW + 11), Reason::TokenRevoked);
}
