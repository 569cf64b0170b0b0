//! Messages in any order, with any clock: each is taken or refused by the table of SNAPSHOT.md, "When a message is taken",
//! and decisions are made only "When a table decides".
#![no_main]

use std::cell::RefCell;
use std::collections::HashMap;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use tokenlatch_core::{ErrorCode, Floor, Heading, Publication, Reason, Snapshot, SnapshotOptions};
use tokenlatch_fuzz::origin::{NOW, key};

const MAX_AGE: u32 = 60;
/// Seconds after the start at which messages are made.
const MADE: [i64; 8] = [0, 1, 2, 10, 59, 300, 301, 1000];
/// 2020-01-01T00:00:00Z, the earliest time that a clock may show.
const MIN_NOW: i64 = 1_577_836_800;

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Message {
    epoch: u8,
    version: u8,
    /// The version from which a delta starts.
    base: Option<u8>,
    made: u8,
    key: u8,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Send(Message),
    /// Sends a message and drops it after its head.
    Abandon(Message),
    /// Flips a bit before sending.
    Spoil(Message, u16),
    /// Sets the clock to some seconds after the start.
    Clock(i16),
    Decide,
    /// Restarts, with the table held as the floor or without, and with a maximum age of its own.
    Restart(bool, Option<u8>),
}

thread_local! {
    static SENT: RefCell<HashMap<Message, Vec<u8>>> = RefCell::default();
    static KEYS: [String; 2] = [1, 2].map(|number| key(number).public_key());
}

/// The message with its numbers in range.
fn tidy(message: Message) -> Message {
    let version = message.version % 5;
    Message {
        epoch: message.epoch % 3,
        version,
        base: message.base.map(|base| base % (version + 1)),
        made: message.made % 8,
        // The third key isn't trusted.
        key: 1 + message.key % 3,
    }
}

fn bytes(message: Message) -> Vec<u8> {
    SENT.with_borrow_mut(|sent| sent.entry(message).or_insert_with(|| sign(message)).clone())
}

fn sign(message: Message) -> Vec<u8> {
    let heading = Heading {
        epoch: message.epoch.into(),
        version: message.version.into(),
        made: NOW + MADE[usize::from(message.made)],
        max_age: MAX_AGE,
        names: false,
    };
    let unsigned = match message.base {
        None => Publication::snapshot(heading),
        Some(base) => Publication::delta(base.into(), heading),
    };
    unsigned.sign(&key(message.key)).expect("the heading is valid")
}

type Known = (u8, u8, i64);

struct Model {
    held: Option<Known>,
    floor: Option<Known>,
    max_age: i64,
    /// The largest `now` since the last message was taken.
    latest: i64,
}

impl Model {
    fn rule(&mut self, message: Message, now: i64) -> Result<(), ErrorCode> {
        let made = NOW + MADE[usize::from(message.made)];
        if message.key > 2 {
            return Err(ErrorCode::SnapshotSignature);
        }
        if now < made - 300 {
            self.latest = self.latest.max(made);
            return Err(ErrorCode::ClockBackwards);
        }
        let ahead = |known: Option<Known>| known.is_some_and(|(_, _, made)| made > now + 300);
        let back = match ahead(self.held) || ahead(self.floor) {
            true => ErrorCode::FloorInFuture,
            false => ErrorCode::SnapshotRollback,
        };
        match message.base {
            None => {
                let older = |known: Option<Known>| {
                    known.is_some_and(|(epoch, version, known)| {
                        made < known
                            || (epoch == message.epoch && message.version < version)
                            || (epoch != message.epoch && made <= known)
                    })
                };
                if older(self.held) || older(self.floor) {
                    Err(back)
                } else {
                    Ok(())
                }
            }
            Some(base) => match self.held {
                Some((epoch, version, known)) if epoch == message.epoch => {
                    let applied = message.version < version || message.version == version && base < version;
                    if applied || made < known {
                        Err(back)
                    } else if base == version {
                        Ok(())
                    } else {
                        Err(ErrorCode::SnapshotGap)
                    }
                }
                _ => Err(ErrorCode::SnapshotGap),
            },
        }
    }

    fn take(&mut self, message: Message) {
        let made = NOW + MADE[usize::from(message.made)];
        if self.held.is_none_or(|(_, _, known)| made > known) {
            self.latest = made;
        }
        self.held = Some((message.epoch, message.version, made));
    }

    fn decide(&mut self, now: i64) -> Reason {
        let Some((_, _, made)) = self.held else {
            return Reason::SnapshotMissing;
        };
        if now < made - 300 || now < self.latest - 300 {
            return Reason::ClockBackwards;
        }
        self.latest = self.latest.max(now);
        if now > made + i64::from(MAX_AGE).min(self.max_age) {
            return Reason::SnapshotStale;
        }
        Reason::TokenUnknown
    }
}

fn open(model: &Model) -> Snapshot {
    let floor = model.floor.map(|(epoch, version, made)| Floor {
        epoch: epoch.into(),
        version: version.into(),
        made,
    });
    let options = SnapshotOptions {
        public_keys: KEYS.with(|keys| keys.to_vec()),
        floor,
        max_age: Some(model.max_age),
        ..SnapshotOptions::default()
    };
    Snapshot::new(options).expect("the options are valid")
}

fuzz_target!(|data: &[u8]| {
    let Ok(steps) = Vec::<Step>::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let mut model = Model {
        held: None,
        floor: None,
        max_age: 3600,
        latest: MIN_NOW,
    };
    let mut edge = open(&model);
    let mut now = NOW;
    for step in steps.iter().take(32) {
        let before = edge.state();
        match step {
            Step::Send(message) => {
                let message = tidy(*message);
                let taken = edge.apply(&bytes(message), now).map(|_| ()).map_err(|error| error.code);
                let ruling = model.rule(message, now);
                assert_eq!(taken, ruling, "{message:?} at {now}");
                match ruling {
                    Ok(()) => model.take(message),
                    Err(_) => assert_eq!(edge.state(), before),
                }
            }
            Step::Abandon(message) => {
                let message = tidy(*message);
                let begun = edge
                    .begin(&bytes(message)[..192], now)
                    .map(|_| ())
                    .map_err(|error| error.code);
                assert_eq!(begun, model.rule(message, now));
                assert_eq!(edge.state(), before);
            }
            Step::Spoil(message, bit) => {
                let mut bad = bytes(tidy(*message));
                let at = usize::from(*bit) % (bad.len() * 8);
                bad[at / 8] ^= 1 << (at % 8);
                let refused = edge.apply(&bad, now).expect_err("a changed message is refused").code;
                assert!(
                    matches!(refused, ErrorCode::SnapshotMalformed | ErrorCode::SnapshotSignature),
                    "{refused}"
                );
                assert_eq!(edge.state(), before);
            }
            Step::Clock(seconds) => now = NOW + i64::from(*seconds),
            Step::Decide => {
                let code = edge.verify(0, b"Bearer TOKEN000000000000000000000000000", None, now);
                assert_eq!(
                    edge.verdict(code).expect("a verdict for each code").reason,
                    model.decide(now)
                );
            }
            Step::Restart(remembers, max_age) => {
                model.floor = model.held.filter(|_| *remembers);
                model.max_age = max_age.map_or(3600, |age| 1 + i64::from(age));
                (model.held, model.latest) = (None, MIN_NOW);
                edge = open(&model);
            }
        }
        let state = edge.state().map(|state| (state.epoch, state.version, state.made));
        assert_eq!(
            state,
            model
                .held
                .map(|(epoch, version, made)| (epoch.into(), version.into(), made))
        );
    }
});
