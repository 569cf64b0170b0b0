//! Messages that were changed, cut, swapped or replayed: no panic, and no table that the origin didn't sign.

use proptest::prelude::*;
use tokenlatch_core::{ErrorCode, Heading, Snapshot, inspect};

use crate::origin::{NOW, delta, edge, header, heading, heartbeat, options, snapshot};
use crate::spoil::{sign, spoil, spoilt};

/// The messages of an origin, in order.
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

/// Every decision of the edge.
fn decisions(edge: &Snapshot) -> Vec<i64> {
    (0..25)
        .map(|token| edge.verify(0, header(token).as_bytes(), None, NOW + 5) >> 32)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The model is an edge that was given only the accepted messages, unchanged.
    #[test]
    fn only_intact_signed_messages_change_decisions(
        deliveries in prop::collection::vec((0_usize..6, prop::option::weighted(0.6, spoil())), 1..20),
    ) {
        let all = sent();
        let others: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
        let (mut edge, mut model) = (edge(), edge());
        for (which, how) in deliveries {
            let good = &all[which];
            let given = how.as_ref().map_or_else(|| good.clone(), |how| spoilt(how, good, &others));
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

    /// A signed body that breaks the rules, as from a faulty origin, is refused, and does no harm.
    #[test]
    fn invalid_signed_body_is_refused_or_applied_safely(
        which in 0_usize..6,
        spoils in prop::collection::vec(spoil(), 1..4),
    ) {
        let all = sent();
        let others: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
        let mut message = all[which].clone();
        for how in &spoils {
            message = spoilt(how, &message, &others);
            if message.len() < 192 {
                return Ok(());
            }
        }
        sign(&mut message, 1, true);
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
            // Whatever the result, the edge still answers.
            Ok(_) => _ = decisions(&edge),
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(edge().apply(&bytes, NOW).is_err());
    }
}
