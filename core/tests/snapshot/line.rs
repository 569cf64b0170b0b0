//! An attacker on the network between an origin and its edge can send anything that was ever sent. The edge may
//! decide only by the newest valid table that it received.

use proptest::prelude::*;
use proptest::sample::Index;
use tokenlatch_core::{Call, Floor, SnapshotOptions, TokenTable};

use crate::history::{Change, Origin, Sent, change};
use crate::origin::{MAX_AGE, header, key};
use crate::spoil::{Spoil, spoil, spoilt};

/// An edge, native or in the module.
pub trait Edge {
    /// Opens an edge and prepares the call; returns its number.
    fn open(&mut self, options: &SnapshotOptions, call: &Call) -> u32;
    /// Takes a message in `pieces` pieces, or at once for 0; returns the code of an error.
    fn take(&mut self, message: &[u8], pieces: usize, now: i64) -> Result<(), String>;
    /// Begins to take a message and stops.
    fn abandon(&mut self, message: &[u8], now: i64);
    /// Epoch, version and time of the table held.
    fn state(&mut self) -> Option<(u64, u64, i64)>;
    fn verify(&mut self, call: u32, header: &str, address: Option<&str>, now: i64) -> i64;
    /// The user of a number's token.
    fn user(&mut self, code: i64) -> Option<String>;
}

/// The next step of a history.
#[derive(Clone, Debug)]
pub enum Step {
    /// Changes at the origin; whether the edge asks at once.
    Change(Vec<Change>, bool),
    /// The origin publishes a snapshot, a delta from an earlier version, or a heartbeat.
    Publish(Option<Index>),
    /// The edge receives what it asks for: a delta from what it holds, or a snapshot.
    Follow,
    /// Any earlier message, in that many pieces.
    Send(Index, usize),
    /// Any earlier message, damaged, perhaps more than once.
    Spoil(Index, Vec<Spoil>, usize),
    /// A message begins and never ends.
    Abandon(Index),
    /// Time passes.
    Wait(i64),
    /// The edge's clock is set ahead by that many seconds.
    Clock(i64),
    /// The edge restarts, with or without the floor that it held last.
    Restart(bool),
}

/// A history.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<Index>;
    let step = prop_oneof![
        8 => (prop::collection::vec(change(), 1..4), any::<bool>()).prop_map(|(changes, asks)| Step::Change(changes, asks)),
        2 => prop::option::of(index()).prop_map(Step::Publish),
        4 => Just(Step::Follow),
        3 => (index(), 0_usize..9).prop_map(|(which, pieces)| Step::Send(which, pieces)),
        6 => (index(), prop::collection::vec(spoil(), 1..3), 0_usize..9)
            .prop_map(|(which, how, pieces)| Step::Spoil(which, how, pieces)),
        1 => index().prop_map(Step::Abandon),
        3 => (0_i64..50).prop_map(Step::Wait),
        1 => prop::sample::select(vec![-400, -250, 0, 0, 0, 250]).prop_map(Step::Clock),
        1 => any::<bool>().prop_map(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

/// What the edge trusts: not the origin's third key.
fn options(floor: Option<Floor>) -> SnapshotOptions {
    SnapshotOptions {
        public_keys: vec![key(1).public_key(), key(2).public_key()],
        floor,
        ..SnapshotOptions::default()
    }
}

fn call() -> Call {
    Call {
        feature: Some("mail".into()),
        writes: Some(true),
        ..Call::default()
    }
}

/// A table that the edge may hold, and the expected decision on every token.
struct Newest {
    epoch: u64,
    version: u64,
    made: i64,
    table: TokenTable,
}

/// The edge, and its expected state.
struct Model<'e, E> {
    edge: &'e mut E,
    call: u32,
    held: Option<Newest>,
    floor: Option<Floor>,
    /// How far its clock is ahead, in seconds.
    ahead: i64,
    /// Whether its clock was ever wrong since it started.
    was_wrong: bool,
}

impl<E: Edge> Model<'_, E> {
    fn restart(&mut self, remembers: bool) {
        self.floor = self.held.as_ref().filter(|_| remembers).map(|held| Floor {
            epoch: held.epoch,
            version: held.version,
            made: held.made,
        });
        self.call = self.edge.open(&options(self.floor), &call());
        self.held = None;
        self.was_wrong = self.ahead != 0;
    }

    /// The expected answer to a message that the origin signed.
    fn ruling(&self, sent: &Sent, now: i64) -> Result<(), &'static str> {
        if sent.key > 2 {
            return Err("snapshot_signature");
        }
        if now < sent.made - 300 {
            return Err("clock_backwards");
        }
        let held = self.held.as_ref().map(|held| (held.epoch, held.version, held.made));
        let floor = self.floor.map(|floor| (floor.epoch, floor.version, floor.made));
        let is_future = |known: Option<(u64, u64, i64)>| known.is_some_and(|(_, _, made)| made > now + 300);
        let back = if is_future(held) || is_future(floor) {
            "floor_in_future"
        } else {
            "snapshot_rollback"
        };
        let Some(base) = sent.base else {
            let is_older = |(epoch, version, made): (u64, u64, i64)| {
                if epoch == sent.epoch {
                    sent.version < version || sent.made < made
                } else {
                    sent.made <= made
                }
            };
            let older = held.is_some_and(is_older) || floor.is_some_and(is_older);
            return if older { Err(back) } else { Ok(()) };
        };
        match held {
            Some((epoch, version, made)) if epoch == sent.epoch => {
                if sent.version < version || (sent.version == version && base < version) || sent.made < made {
                    Err(back)
                } else if base == version {
                    Ok(())
                } else {
                    Err("snapshot_gap")
                }
            }
            _ => Err("snapshot_gap"),
        }
    }

    /// Gives bytes to the edge: it may take them only if the origin signed exactly these and they lead forward.
    fn give(&mut self, origin: &Origin, bytes: &[u8], pieces: usize) -> Result<(), TestCaseError> {
        let now = origin.now + self.ahead;
        let before = self.edge.state();
        let taken = self.edge.take(bytes, pieces, now);
        let Some(sent) = origin.sent.iter().find(|sent| sent.bytes == bytes) else {
            prop_assert!(taken.is_err(), "took what was never sent");
            prop_assert_eq!(self.edge.state(), before);
            // The head may be a valid one from the future.
            self.was_wrong |= taken == Err("clock_backwards".to_owned());
            return Ok(());
        };
        let ruling = self.ruling(sent, now);
        prop_assert_eq!(
            taken.as_ref().map_err(String::as_str),
            ruling.as_ref().map_err(|code| *code)
        );
        if ruling.is_ok() {
            self.held = Some(Newest {
                epoch: sent.epoch,
                version: sent.version,
                made: sent.made,
                table: origin.truth(sent.epoch, sent.version).table(),
            });
            prop_assert_eq!(self.edge.state(), Some((sent.epoch, sent.version, sent.made)));
        } else {
            prop_assert_eq!(self.edge.state(), before);
        }
        Ok(())
    }

    /// The edge asks for the changes since what it holds, without an attacker.
    fn follow(&mut self, origin: &mut Origin) -> Result<(), TestCaseError> {
        let held = self.held.as_ref().filter(|held| held.epoch == origin.epoch);
        let base = held.map(|held| held.version);
        let place = origin.publish(base);
        let bytes = origin.sent[place].bytes.clone();
        self.give(origin, &bytes, 0)
    }

    /// Every decision is that of the newest valid table, or that nothing can be decided.
    fn check(&mut self, origin: &Origin) -> Result<(), TestCaseError> {
        let now = origin.now + self.ahead;
        for token in 0..=origin.tokens {
            let text = header(token);
            let address = [None, Some("192.0.2.7"), Some("198.51.100.1")][token as usize % 3];
            for (call, place) in [(0, 0), (self.call, 1)] {
                let code = self.edge.verify(call, &text, address, now);
                prop_assert!(code >= 0, "no decision: {}", code);
                let reason = code >> 32;
                let Some(held) = &mut self.held else {
                    prop_assert_eq!(reason, 21);
                    continue;
                };
                let number = if place == 0 {
                    0
                } else {
                    held.table.prepare(&self::call()).unwrap()
                };
                let judged = held
                    .table
                    .verify(number, text.as_bytes(), address.map(str::as_bytes), now);
                if now < held.made - 300 {
                    prop_assert_eq!(reason, 22);
                } else if self.was_wrong && reason == 22 {
                    // It has seen a later time than now.
                } else if now > held.made + i64::from(MAX_AGE) {
                    prop_assert_eq!(reason, 23);
                } else if judged >> 32 == 0 {
                    prop_assert_eq!(reason, 0);
                    let user = held.table.verdict(judged).unwrap().user;
                    prop_assert_eq!(self.edge.user(code), user);
                } else {
                    prop_assert!(
                        (1..21).contains(&reason),
                        "{} where the table says {}",
                        reason,
                        judged >> 32
                    );
                }
            }
        }
        Ok(())
    }
}

/// Runs a history.
pub fn run<E: Edge>(edge: &mut E, names: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut origin = Origin::new(names);
    let mut model = Model {
        edge,
        call: 0,
        held: None,
        floor: None,
        ahead: 0,
        was_wrong: false,
    };
    model.restart(false);
    for step in steps {
        match step {
            Step::Change(changes, asks) => {
                changes.iter().for_each(|change| origin.change(change));
                if *asks {
                    model.follow(&mut origin)?;
                }
            }
            Step::Publish(None) => _ = origin.publish(None),
            Step::Publish(Some(which)) => {
                let base = origin.earlier(which);
                origin.publish(Some(base));
            }
            Step::Follow => model.follow(&mut origin)?,
            Step::Send(which, pieces) => {
                let bytes = which.get(&origin.sent).bytes.clone();
                model.give(&origin, &bytes, *pieces)?;
            }
            Step::Spoil(which, how, pieces) => {
                let all: Vec<&[u8]> = origin.sent.iter().map(|sent| sent.bytes.as_slice()).collect();
                let good = which.get(&origin.sent).bytes.clone();
                let bad = how.iter().fold(good, |message, how| spoilt(how, &message, &all));
                model.give(&origin, &bad, *pieces)?;
            }
            Step::Abandon(which) => {
                let sent = which.get(&origin.sent);
                let now = origin.now + model.ahead;
                model.edge.abandon(&sent.bytes, now);
                model.was_wrong |= now < sent.made - 300;
            }
            Step::Wait(seconds) => origin.now += seconds,
            Step::Clock(ahead) => {
                model.ahead = *ahead;
                model.was_wrong |= *ahead != 0;
            }
            Step::Restart(remembers) => model.restart(*remembers),
        }
        model.check(&origin)?;
    }
    Ok(())
}

/// The number of histories, unless `PROPTEST_CASES` sets it. A failure prints its history; nothing is written to
/// disk.
pub fn cases(usual: u32) -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = usual;
    }
    config
}
