//! Messages that somebody has changed, cut, swapped or sent again: never a panic, and never a table that the origin didn't sign.

use proptest::prelude::*;
use tokenlatch_core::{ErrorCode, Heading, Snapshot, inspect};

use crate::origin::{NOW, delta, edge, header, heading, heartbeat, key, options, snapshot};

/// How a message is spoilt.
#[derive(Clone, Debug)]
enum Spoil {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Lengthen(Vec<u8>),
    Swap(prop::sample::Index, prop::sample::Index, usize),
    Write(prop::sample::Index, [u8; 4]),
    /// The head of this one and the body of another.
    Graft(usize),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        (any::<prop::sample::Index>(), 1_u8..).prop_map(|(at, bits)| Spoil::Flip(at, bits)),
        any::<prop::sample::Index>().prop_map(Spoil::Cut),
        prop::collection::vec(any::<u8>(), 1..50).prop_map(Spoil::Lengthen),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1_usize..45)
            .prop_map(|(a, b, n)| Spoil::Swap(a, b, n)),
        (any::<prop::sample::Index>(), any::<[u8; 4]>()).prop_map(|(at, bytes)| Spoil::Write(at, bytes)),
        (0_usize..6).prop_map(Spoil::Graft),
    ]
}

/// What an origin sent in this order.
fn sent() -> Vec<Vec<u8>> {
    let at = |version, made| Heading {
        made: NOW + made,
        ..heading(version)
    };
    let tokens: Vec<u32> = (0..12).collect();
    vec![
        snapshot(at(1, 0), &tokens),
        delta(1, at(2, 1), 3, 20),
        delta(2, at(3, 2), 4, 21),
        heartbeat(at(3, 3)),
        snapshot(at(4, 4), &[1, 2, 20, 22]),
        delta(4, at(5, 5), 1, 23),
    ]
}

fn spoilt(spoil: &Spoil, message: &[u8], all: &[Vec<u8>]) -> Vec<u8> {
    let mut bad = message.to_vec();
    match spoil {
        Spoil::Flip(at, bits) => *at.get_mut(&mut bad) ^= bits,
        Spoil::Cut(at) => bad.truncate(at.index(bad.len())),
        Spoil::Lengthen(more) => bad.extend(more),
        Spoil::Swap(a, b, count) => {
            for offset in 0..*count {
                let (a, b) = (
                    (a.index(bad.len()) + offset) % bad.len(),
                    (b.index(bad.len()) + offset) % bad.len(),
                );
                bad.swap(a, b);
            }
        }
        Spoil::Write(at, bytes) => {
            let at = at.index(bad.len());
            bad.iter_mut()
                .skip(at)
                .zip(bytes)
                .for_each(|(place, byte)| *place = *byte);
        }
        Spoil::Graft(other) => {
            bad.truncate(192);
            bad.extend(&all[*other][192..]);
        }
    }
    bad
}

/// Every decision that the edge makes.
fn decisions(edge: &Snapshot) -> Vec<i64> {
    (0..25)
        .map(|token| edge.verify(0, header(token).as_bytes(), None, NOW + 5) >> 32)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The newest valid table is a model: the edge that was given only what it took, unspoilt.
    #[test]
    fn only_whole_signed_messages_change_what_an_edge_decides(
        deliveries in prop::collection::vec((0_usize..6, prop::option::weighted(0.6, spoil())), 1..20),
    ) {
        let all = sent();
        let (mut edge, mut model) = (edge(), edge());
        for (which, how) in deliveries {
            let good = &all[which];
            let given = how.as_ref().map_or_else(|| good.clone(), |how| spoilt(how, good, &all));
            let _ = inspect(&given);
            let before = edge.state();
            match edge.apply(&given, NOW + 5) {
                Ok(_) => {
                    let known = all.iter().find(|message| **message == given);
                    prop_assert!(known.is_some(), "took what was never sent");
                    model.apply(known.unwrap(), NOW + 5).unwrap();
                }
                Err(_) => prop_assert_eq!(edge.state(), before),
            }
            prop_assert_eq!(edge.state(), model.state());
            prop_assert_eq!(decisions(&edge), decisions(&model));
        }
    }

    /// A body that breaks the rules though it is signed: the origin itself is at fault. It is refused, and nothing breaks.
    #[test]
    fn a_signed_body_that_breaks_the_rules_is_refused_or_read(
        which in 0_usize..6,
        spoils in prop::collection::vec(spoil(), 1..4),
    ) {
        let all = sent();
        let mut message = all[which].clone();
        for how in &spoils {
            message = spoilt(how, &message, &all);
            if message.len() < 192 {
                return Ok(());
            }
        }
        let message = signed_anew(message);
        let mut edge = Snapshot::new(options()).unwrap();
        if which == 5 {
            edge.apply(&all[4], NOW + 5).unwrap();
        } else if which > 0 {
            for earlier in &all[..which] {
                edge.apply(earlier, NOW + 5).unwrap();
            }
        }
        let before = (edge.state(), decisions(&edge));
        match edge.apply(&message, NOW + 5) {
            Err(error) if error.code == ErrorCode::ClockBackwards => {
                prop_assert!(decisions(&edge).iter().all(|reason| *reason >= 21), "nothing is decided by a wrong clock");
            }
            Err(_) => prop_assert_eq!((edge.state(), decisions(&edge)), before),
            // Whatever it says, the edge goes on to answer.
            Ok(_) => _ = decisions(&edge),
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(edge().apply(&bytes, NOW).is_err());
    }
}

/// Makes digest and signature good again, as an origin would that writes nonsense.
fn signed_anew(mut message: Vec<u8>) -> Vec<u8> {
    use ed25519_compact::{KeyPair, Seed};
    use sha2::{Digest, Sha256};
    let digest: [u8; 32] = Sha256::digest(&message[192..]).into();
    message[96..128].copy_from_slice(&digest);
    let pair = KeyPair::from_seed(Seed::new([1; 32]));
    assert_eq!(
        key(1).public_key(),
        pair.pk.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    );
    let id: [u8; 32] = Sha256::digest(pair.pk.as_slice()).into();
    message[8..16].copy_from_slice(&id[..8]);
    let signed = [b"tokenlatch snapshot v1 head\0".as_slice(), &message[..128]].concat();
    message[128..192].copy_from_slice(pair.sk.sign(signed, None).as_slice());
    message
}
