//! A signed body is taken if and only if it follows SNAPSHOT.md, read by other code; what is refused changes nothing, and of
//! what is taken each row is found, in whatever pieces it came.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tokenlatch_core::{
    Access, Account, ErrorCode, Features, Heading, Publication, Reason, Record, Snapshot, SnapshotOptions, inspect,
};
use tokenlatch_fuzz::origin::{HEAD_AND_SIGNATURE, NOW, digest, hash, key, pepper, secret};
use tokenlatch_fuzz::wire::Parts;

/// Tokens whose decisions are compared. The first half is in the table held.
const TOKENS: u8 = 8;

/// The options of the edge, and the table held, without and with names.
fn world() -> (SnapshotOptions, [Vec<u8>; 2]) {
    let held = [false, true].map(|names| {
        let mut message = Publication::snapshot(Heading {
            epoch: 1,
            version: 1,
            made: NOW,
            max_age: 1000,
            names,
        });
        for token in 0..TOKENS / 2 {
            let record = Record {
                v: 1,
                id: format!("id-{token}"),
                user: ["alice", "bob"][usize::from(token % 2)].into(),
                name: format!("name-{token}"),
                hash: hash(token, None),
                created: NOW,
                access: Access::Full,
                ..Record::default()
            };
            message.record(&record).expect("the record is valid");
        }
        let account = Account {
            user: "alice".into(),
            features: Features::All,
            ..Account::default()
        };
        message.account(&account).expect("the account is valid");
        message.sign(&key(1)).expect("the message can be signed")
    });
    let options = SnapshotOptions {
        public_keys: vec![key(1).public_key()],
        peppers: vec![pepper()],
        ..SnapshotOptions::default()
    };
    (options, held)
}

static WORLD: OnceLock<(SnapshotOptions, [Vec<u8>; 2])> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let [how, data @ ..] = data else {
        return;
    };
    let Some(parts) = Parts::read(data) else {
        return;
    };
    let (options, held) = WORLD.get_or_init(world);
    let mut edge = Snapshot::new(options.clone()).expect("the options are valid");
    let held_names = how & 1 != 0;
    edge.apply(&held[usize::from(held_names)], NOW)
        .expect("the first message is good");
    let before = (edge.state(), decisions(&edge));

    let message = parts.message();
    let sound = parts.is_sound(&["spring"], held_names);
    let taken = apply(&mut edge, &message, usize::from(how >> 1));
    match taken {
        Ok(()) => {
            assert!(sound, "took what breaks the format: {parts:?}");
            let said = inspect(&message).expect("what is taken has a good head");
            let state = edge.state().expect("a table is held");
            assert_eq!(
                (state.epoch, state.version, state.made),
                (said.epoch, said.version, said.made)
            );
            if !parts.delta {
                assert_eq!(state.tokens, usize::from(parts.counts[5]));
            }
            rows_are_found(&edge, &parts, &before.1);
        }
        Err(code) => {
            assert!(!sound, "refused what follows the format, with {code}: {parts:?}");
            assert_eq!(
                (edge.state(), decisions(&edge)),
                before,
                "a refused message changes something"
            );
        }
    }
});

/// Takes the message in pieces, or at once for 0.
fn apply(edge: &mut Snapshot, message: &[u8], piece: usize) -> Result<(), ErrorCode> {
    if piece == 0 {
        return edge.apply(message, NOW).map(|_| ()).map_err(|error| error.code);
    }
    let (head, body) = message.split_at(HEAD_AND_SIGNATURE);
    edge.begin(head, NOW).map_err(|error| error.code)?;
    for piece in body.chunks(piece) {
        edge.push(piece).map_err(|error| error.code)?;
    }
    edge.commit().map(|_| ()).map_err(|error| error.code)
}

fn decisions(edge: &Snapshot) -> Vec<Reason> {
    let headers = (0..TOKENS).map(|token| format!("Bearer {}", secret(token)));
    let codes = headers.map(|header| edge.verify(0, header.as_bytes(), None, NOW));
    codes
        .map(|code| edge.verdict(code).expect("a verdict for each code").reason)
        .collect()
}

fn rows_are_found(edge: &Snapshot, parts: &Parts, before: &[Reason]) {
    let (rows, revoked) = (parts.rows(), parts.revoked());
    for ((token, reason), known) in (0..TOKENS).zip(decisions(edge)).zip(before) {
        let digest = digest(token);
        let row = rows.iter().find(|(known, _)| *known == digest);
        let revoked = revoked.contains(&digest);
        match row {
            // A grant under a pepper has the digest of another secret.
            Some((_, true)) => assert!(matches!(reason, Reason::TokenRevoked | Reason::TokenUnknown)),
            Some(_) if revoked => assert!(matches!(reason, Reason::TokenRevoked | Reason::TokenUnknown)),
            Some(_) => {}
            None if !parts.delta => assert_eq!(reason, Reason::TokenUnknown),
            None if *known == Reason::TokenUnknown => assert_eq!(reason, Reason::TokenUnknown),
            None if revoked => assert_eq!(reason, Reason::TokenRevoked),
            None => assert_ne!(reason, Reason::TokenUnknown, "a delta lost a token"),
        }
    }
}
