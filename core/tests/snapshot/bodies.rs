//! Bodies: in pieces, cut short, too long, changed.

use proptest::prelude::*;
use tokenlatch_core::{ErrorCode, Heading, MESSAGE_HEAD_BYTES, Reason};

use crate::origin::{NOW, edge, heading, reason, snapshot};

#[test]
fn old_table_is_used_until_the_new_one_commits() {
    let mut edge = edge();
    edge.apply(&snapshot(heading(1), &[1]), NOW).unwrap();
    let next = snapshot(heading(2), &[2]);
    let (head, body) = next.split_at(MESSAGE_HEAD_BYTES);
    assert_eq!(edge.begin(head, NOW).unwrap(), body.len() as u64);
    let (first, second) = body.split_at(body.len() / 2);
    assert_eq!(edge.push(first).unwrap(), second.len() as u64);
    assert_eq!(reason(&edge, 1, NOW), Reason::Ok);
    assert_eq!(reason(&edge, 2, NOW), Reason::TokenUnknown);
    assert_eq!(edge.push(second).unwrap(), 0);
    assert_eq!(reason(&edge, 1, NOW), Reason::Ok);
    edge.commit().unwrap();
    assert_eq!(reason(&edge, 1, NOW), Reason::TokenUnknown);
    assert_eq!(reason(&edge, 2, NOW), Reason::Ok);
}

#[test]
fn truncated_and_overlong_messages_are_malformed() {
    let good = snapshot(heading(2), &[2]);
    let long = [good.as_slice(), b"x"].concat();
    let short = good.split_last().unwrap().1;
    for bad in [long.as_slice(), short, &good[..100], &[]] {
        let mut edge = edge();
        edge.apply(&snapshot(heading(1), &[1]), NOW).unwrap();
        assert_eq!(edge.apply(bad, NOW).unwrap_err().code, ErrorCode::SnapshotMalformed);
        assert_eq!(edge.state().unwrap().version, 1);
        assert_eq!(edge.push(b"x").unwrap_err().code, ErrorCode::SnapshotMalformed);
        assert_eq!(edge.commit().unwrap_err().code, ErrorCode::SnapshotMalformed);
        assert_eq!(reason(&edge, 1, NOW), Reason::Ok);
    }
}

#[test]
fn changed_body_fails_the_signature_check() {
    let mut bad = snapshot(heading(2), &[2]);
    *bad.last_mut().unwrap() ^= 1;
    let mut edge = edge();
    assert_eq!(edge.apply(&bad, NOW).unwrap_err().code, ErrorCode::SnapshotSignature);
    assert!(edge.state().is_none());
}

proptest! {
    #[test]
    fn a_body_may_come_in_any_pieces(cuts in prop::collection::vec(0_usize..1500, 0..12), names: bool) {
        let tokens: Vec<u32> = (0..20).collect();
        let message = snapshot(Heading { names, ..heading(1) }, &tokens);
        let mut edge = edge();
        let (head, mut body) = message.split_at(MESSAGE_HEAD_BYTES);
        edge.begin(head, NOW).unwrap();
        for cut in cuts {
            let (piece, rest) = body.split_at_checked(cut).unwrap_or((body, &[]));
            edge.push(piece).unwrap();
            body = rest;
        }
        edge.push(body).unwrap();
        prop_assert_eq!(edge.commit().unwrap().tokens, 20);
        for token in 0..20 {
            prop_assert_eq!(reason(&edge, token, NOW), Reason::Ok);
        }
    }
}
