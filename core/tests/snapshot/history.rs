//! A simulated origin: tokens and accounts are added, changed and removed, a backup is restored, the key changes. The
//! truth at every version and every signed message are kept.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;
use tokenlatch_core::{Access, Account, Features, Heading, Publication, Record, TableInput, TokenTable};

use crate::origin::{MAX_AGE, NOW, account, key, record};

/// Users of the origin.
pub const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// What happens at an origin.
#[derive(Clone, Debug)]
pub enum Change {
    Create(CreatedAs),
    Revoke(Index),
    Delete(Index),
    Alter(Index, CreatedAs),
    Account(usize, bool, bool),
    RemoveUser(usize),
    Rename(usize, usize),
    /// A backup of an earlier version is restored.
    Restore(Index, u64),
    /// Messages are signed with another key from now on.
    Key(u8),
}

/// The properties of a created token.
#[derive(Clone, Debug)]
pub struct CreatedAs {
    user: usize,
    expires: Option<i64>,
    limited: bool,
    read_only: bool,
    bound: bool,
}

fn created_as() -> impl Strategy<Value = CreatedAs> {
    let expires = prop::option::weighted(0.3, 1_i64..200);
    let rarely = || prop::bool::weighted(0.2);
    (0..USERS.len(), expires, rarely(), rarely(), rarely()).prop_map(|(user, expires, limited, read_only, bound)| {
        CreatedAs {
            user,
            expires,
            limited,
            read_only,
            bound,
        }
    })
}

/// Any change, creations most often.
pub fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        5 => created_as().prop_map(Change::Create),
        4 => index().prop_map(Change::Revoke),
        2 => index().prop_map(Change::Delete),
        3 => (index(), created_as()).prop_map(|(which, how)| Change::Alter(which, how)),
        3 => (0..USERS.len(), prop::bool::weighted(0.2), any::<bool>()).prop_map(|(user, a, b)| Change::Account(user, a, b)),
        2 => (0..USERS.len()).prop_map(Change::RemoveUser),
        2 => (0..USERS.len(), 0..USERS.len()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => (index(), 1_u64..9).prop_map(|(which, version)| Change::Restore(which, version)),
        1 => (1_u8..=3).prop_map(Change::Key),
    ]
}

/// All tokens and accounts at one version.
#[derive(Clone, Default)]
pub struct Truth {
    tokens: BTreeMap<u32, Record>,
    accounts: BTreeMap<String, Account>,
}

impl Truth {
    /// An unsigned table, loaded without deltas.
    pub fn table(&self) -> TokenTable {
        TokenTable::new(TableInput {
            records: self.tokens.values().cloned().collect(),
            accounts: self.accounts.values().cloned().collect(),
            ..TableInput::default()
        })
        .unwrap()
    }

    fn change(&mut self, change: &Change, next: &mut u32) {
        let chosen = |which: &Index| {
            (!self.tokens.is_empty()).then(|| *self.tokens.keys().nth(which.index(self.tokens.len())).unwrap())
        };
        match change {
            Change::Create(how) => {
                self.tokens.insert(*next, made(*next, how));
                *next += 1;
            }
            Change::Revoke(which) => {
                if let Some(token) = chosen(which).and_then(|token| self.tokens.get_mut(&token)) {
                    token.revoked.get_or_insert(NOW);
                }
            }
            Change::Delete(which) => _ = chosen(which).map(|token| self.tokens.remove(&token)),
            Change::Alter(which, how) => {
                if let Some(number) = chosen(which) {
                    let known = &self.tokens[&number];
                    let (user, revoked) = (known.user.clone(), known.revoked);
                    let altered = Record {
                        user,
                        revoked,
                        ..made(number, how)
                    };
                    self.tokens.insert(number, altered);
                }
            }
            Change::Account(user, suspended, all) => {
                let features = if *all {
                    Features::All
                } else {
                    Features::List(vec!["apitokens".into(), "mail".into()])
                };
                let account = Account {
                    suspended: *suspended,
                    features,
                    ..account(USERS[*user])
                };
                self.accounts.insert(USERS[*user].into(), account);
            }
            Change::RemoveUser(user) => {
                self.accounts.remove(USERS[*user]);
                self.tokens.retain(|_, token| token.user != USERS[*user]);
            }
            Change::Rename(from, to) => {
                let (from, to) = (USERS[*from], USERS[*to]);
                if self.accounts.contains_key(to) || self.tokens.values().any(|token| token.user == to) {
                    return;
                }
                if let Some(known) = self.accounts.remove(from) {
                    self.accounts.insert(
                        to.into(),
                        Account {
                            user: to.into(),
                            ..known
                        },
                    );
                }
                for token in self.tokens.values_mut().filter(|token| token.user == from) {
                    token.user = to.into();
                }
            }
            Change::Restore(..) | Change::Key(_) => {}
        }
    }

    /// Adds everything to a snapshot.
    fn put_all(&self, into: &mut Publication) {
        for record in self.tokens.values() {
            into.record(record).unwrap();
        }
        for account in self.accounts.values() {
            into.account(account).unwrap();
        }
    }

    /// Adds the changes since a version to a delta.
    fn put_changes(&self, since: &Truth, into: &mut Publication) {
        let removed: BTreeSet<&String> = since
            .accounts
            .keys()
            .filter(|user| !self.accounts.contains_key(*user))
            .collect();
        for user in &removed {
            into.remove_user(user).unwrap();
        }
        for (number, old) in &since.tokens {
            let revoked = self.tokens.get(number).map(|token| token.revoked.is_some());
            // The tokens of a removed user needn't be listed.
            let told =
                revoked == Some(true) && old.revoked.is_none() || revoked.is_none() && !removed.contains(&old.user);
            if told {
                into.revoke(&old.hash).unwrap();
            }
        }
        let mut users: BTreeSet<&String> = BTreeSet::new();
        for (number, token) in &self.tokens {
            if since.tokens.get(number) != Some(token) {
                into.record(token).unwrap();
                users.insert(&token.user);
            }
        }
        for (user, account) in &self.accounts {
            if users.contains(user) || since.accounts.get(user) != Some(account) {
                into.account(account).unwrap();
            }
        }
    }
}

fn made(number: u32, how: &CreatedAs) -> Record {
    let access = if how.limited {
        Access::Limited {
            features: vec!["mail".into()],
        }
    } else {
        Access::Full
    };
    Record {
        access,
        read_only: how.read_only,
        expires: how.expires.map(|seconds| NOW + seconds),
        addresses: if how.bound {
            vec!["192.0.2.0/24".into()]
        } else {
            Vec::new()
        },
        ..record(number, USERS[how.user])
    }
}

/// A message as the origin signed it.
pub struct Sent {
    pub bytes: Vec<u8>,
    /// The version from which a delta starts.
    pub base: Option<u64>,
    pub key: u8,
    pub epoch: u64,
    pub version: u64,
    pub made: i64,
}

/// The origin, everything that was ever true, and every message.
pub struct Origin {
    pub now: i64,
    pub key: u8,
    pub epoch: u64,
    pub version: u64,
    pub tokens: u32,
    pub names: bool,
    truths: BTreeMap<(u64, u64), Truth>,
    pub sent: Vec<Sent>,
}

impl Origin {
    pub fn new(names: bool) -> Origin {
        let accounts = USERS[..3].iter().map(|user| ((*user).to_owned(), account(user)));
        let tokens = (0..9).map(|number| (number, record(number, USERS[number as usize % 3])));
        let truth = Truth {
            tokens: tokens.collect(),
            accounts: accounts.collect(),
        };
        let mut origin = Origin {
            now: NOW,
            key: 1,
            epoch: 1,
            version: 1,
            tokens: 9,
            names,
            truths: BTreeMap::from([((1, 1), truth)]),
            sent: Vec::new(),
        };
        origin.publish(None);
        origin
    }

    pub fn truth(&self, epoch: u64, version: u64) -> &Truth {
        &self.truths[&(epoch, version)]
    }

    /// Applies a change under a new version.
    pub fn change(&mut self, change: &Change) {
        match change {
            Change::Key(key) => self.key = *key,
            Change::Restore(which, version) => {
                let (_, truth) = self.truths.iter().nth(which.index(self.truths.len())).unwrap();
                let truth = truth.clone();
                // A new epoch begins later than everything said before.
                self.now += 1;
                self.epoch += 1;
                self.version = *version;
                self.truths.insert((self.epoch, self.version), truth);
                self.publish(None);
            }
            other => {
                let mut truth = self.truth(self.epoch, self.version).clone();
                truth.change(other, &mut self.tokens);
                self.version += 1;
                self.truths.insert((self.epoch, self.version), truth);
                self.publish(Some(self.version - 1));
            }
        }
    }

    /// Signs a snapshot, or a delta from a version of this epoch, and returns its index among all messages.
    pub fn publish(&mut self, base: Option<u64>) -> usize {
        let heading = Heading {
            epoch: self.epoch,
            version: self.version,
            made: self.now,
            max_age: MAX_AGE,
            names: self.names,
        };
        let truth = self.truth(self.epoch, self.version);
        let mut message = base.map_or_else(
            || Publication::snapshot(heading),
            |base| Publication::delta(base, heading),
        );
        match base {
            None => truth.put_all(&mut message),
            // A heartbeat is empty.
            Some(base) if base == self.version => {}
            Some(base) => truth.put_changes(self.truth(self.epoch, base), &mut message),
        }
        self.sent.push(Sent {
            bytes: message.sign(&key(self.key)).unwrap(),
            base,
            key: self.key,
            epoch: self.epoch,
            version: self.version,
            made: self.now,
        });
        self.sent.len() - 1
    }

    /// A published version of this epoch.
    pub fn earlier(&self, which: &Index) -> u64 {
        let versions: Vec<u64> = self
            .truths
            .range((self.epoch, 0)..=(self.epoch, self.version))
            .map(|((_, version), _)| *version)
            .collect();
        *which.get(&versions)
    }
}
