//! Random histories of an origin and an attacker on the network: no panic, and no admission that the newest valid
//! table wouldn't give. `tests/tests/histories.rs` runs the same through the module.

use proptest::prelude::*;
use tokenlatch_core::{Call, Snapshot, SnapshotOptions};

use crate::line::{Edge, cases, run, steps};

/// A native edge.
#[derive(Default)]
struct Native(Option<Snapshot>);

impl Native {
    fn edge(&mut self) -> &mut Snapshot {
        self.0.as_mut().unwrap()
    }
}

impl Edge for Native {
    fn open(&mut self, options: &SnapshotOptions, call: &Call) -> u32 {
        self.0 = Some(Snapshot::new(options.clone()).unwrap());
        self.edge().prepare(call).unwrap()
    }

    fn take(&mut self, message: &[u8], pieces: usize, now: i64) -> Result<(), String> {
        let edge = self.edge();
        let taken = match message.split_at_checked(192).filter(|_| pieces > 0) {
            None => edge.apply(message, now).map(drop),
            Some((head, body)) => edge.begin(head, now).and_then(|_| {
                for piece in body.chunks(body.len().div_ceil(pieces).max(1)) {
                    edge.push(piece)?;
                }
                edge.commit().map(drop)
            }),
        };
        taken.map_err(|error| error.code.as_str().to_owned())
    }

    fn abandon(&mut self, message: &[u8], now: i64) {
        let (head, body) = message.split_at(192);
        if self.edge().begin(head, now).is_ok() {
            self.edge().push(&body[..body.len() / 2]).unwrap();
        }
    }

    fn state(&mut self) -> Option<(u64, u64, i64)> {
        let state = self.edge().state()?;
        Some((state.epoch, state.version, state.made))
    }

    fn verify(&mut self, call: u32, header: &str, address: Option<&str>, now: i64) -> i64 {
        self.edge()
            .verify(call, header.as_bytes(), address.map(str::as_bytes), now)
    }

    fn user(&mut self, code: i64) -> Option<String> {
        self.edge().holder(code).map(|holder| holder.user.to_owned())
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn edge_uses_the_newest_valid_table_on_a_hostile_link(names: bool, steps in steps()) {
        run(&mut Native::default(), names, &steps)?;
    }
}
