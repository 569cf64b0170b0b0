//! An edge that follows an origin by snapshots and deltas decides as a table does that is loaded with the origin's tokens,
//! whatever changed between, and in whatever pieces the messages arrive.
#![no_main]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use tokenlatch_core::{
    Access, Account, Call, Features, Heading, MESSAGE_HEAD_BYTES, Publication, Realm, Reason, Record, SigningKey,
    Snapshot, SnapshotOptions, TableInput, TokenTable, inspect,
};
use tokenlatch_fuzz::origin::{NOW, hash, key, pepper, secret};

const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const TOKENS: u8 = 8;

#[derive(Arbitrary, Debug)]
enum Change {
    Put {
        token: u8,
        user: u8,
        expires: Option<i8>,
        kind: u8,
    },
    Revoke(u8),
    Delete(u8),
    Account {
        user: u8,
        kind: u8,
    },
    RemoveUser(u8),
}

#[derive(Arbitrary, Debug)]
struct Step {
    changes: Vec<Change>,
    snapshot: bool,
    piece: u8,
}

#[derive(Arbitrary, Debug)]
struct Input {
    names: bool,
    steps: Vec<Step>,
}

thread_local! {
    static KEY: SigningKey = key(1);
    static HASHES: RefCell<BTreeMap<(u8, bool), String>> = RefCell::default();
}

fn known_hash(token: u8, peppered: bool) -> String {
    HASHES.with_borrow_mut(|known| {
        let make = || hash(token, peppered.then(pepper));
        known.entry((token, peppered)).or_insert_with(make).clone()
    })
}

/// The origin's tokens and accounts, and what the last change of each kind was about.
#[derive(Default)]
struct Origin {
    tokens: BTreeMap<u8, Record>,
    accounts: BTreeMap<String, Account>,
    changed: BTreeSet<u8>,
    gone: BTreeSet<u8>,
    touched: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Origin {
    fn change(&mut self, change: &Change) {
        let user = |at: u8| USERS[usize::from(at) % USERS.len()].to_owned();
        match change {
            Change::Put {
                token,
                user: at,
                expires,
                kind,
            } => {
                let token = token % TOKENS;
                // The hash of a token stays, and a revoked token stays revoked.
                let known = self.tokens.get(&token);
                let revoked = known.and_then(|known| known.revoked);
                // A deleted token doesn't come back.
                if self.gone.contains(&token) {
                    return;
                }
                self.tokens
                    .insert(token, record(token, user(*at), *expires, *kind, revoked));
                self.changed.insert(token);
            }
            Change::Revoke(token) => {
                let token = token % TOKENS;
                if let Some(record) = self.tokens.get_mut(&token) {
                    record.revoked.get_or_insert(NOW);
                    self.changed.insert(token);
                }
            }
            Change::Delete(token) => {
                let token = token % TOKENS;
                if self.tokens.remove(&token).is_some() {
                    self.gone.insert(token);
                    self.changed.remove(&token);
                }
            }
            Change::Account { user: at, kind } => {
                let account = Account {
                    user: user(*at),
                    suspended: kind & 7 == 7,
                    administrator: kind & 8 == 8,
                    features: match kind & 3 {
                        0 => Features::List(vec!["mail".into()]),
                        1 => Features::List(vec!["mail".into(), "apitokens".into()]),
                        _ => Features::All,
                    },
                };
                self.touched.insert(account.user.clone());
                self.accounts.insert(account.user.clone(), account);
            }
            Change::RemoveUser(at) => {
                let user = user(*at);
                self.accounts.remove(&user);
                self.touched.remove(&user);
                let of_user: Vec<u8> = self
                    .tokens
                    .iter()
                    .filter(|(_, record)| record.user == user)
                    .map(|(token, _)| *token)
                    .collect();
                for token in of_user {
                    self.tokens.remove(&token);
                    self.gone.insert(token);
                    self.changed.remove(&token);
                }
                self.removed.insert(user);
            }
        }
    }

    fn publish(&mut self, base: Option<u64>, version: u64, names: bool) -> Vec<u8> {
        let heading = Heading {
            epoch: 1,
            version,
            made: NOW + i64::try_from(version).unwrap_or_default(),
            max_age: 100,
            names,
        };
        let mut message = match base {
            None => Publication::snapshot(heading),
            Some(base) => Publication::delta(base, heading),
        };
        let mut users: BTreeSet<&str> = self.touched.iter().map(String::as_str).collect();
        for (token, record) in &self.tokens {
            if base.is_none() || self.changed.contains(token) {
                users.insert(&record.user);
                message.record(record).expect("the record is valid");
            }
        }
        for (user, account) in &self.accounts {
            if base.is_none() || users.contains(user.as_str()) {
                message.account(account).expect("the account is valid");
            }
        }
        if base.is_some() {
            for token in &self.gone {
                for peppered in [false, true] {
                    message
                        .revoke(&known_hash(*token, peppered))
                        .expect("the hash is valid");
                }
            }
            for user in &self.removed {
                message.remove_user(user).expect("the user is valid");
            }
        }
        self.changed.clear();
        self.touched.clear();
        self.removed.clear();
        KEY.with(|key| message.sign(key)).expect("the message can be signed")
    }

    fn table(&self) -> TokenTable {
        let input = TableInput {
            records: self.tokens.values().cloned().collect(),
            accounts: self.accounts.values().cloned().collect(),
            peppers: vec![pepper()],
            ..TableInput::default()
        };
        TokenTable::new(input).expect("the table is valid")
    }
}

fn record(token: u8, user: String, expires: Option<i8>, kind: u8, revoked: Option<i64>) -> Record {
    let features = ["mail", "backup"].map(String::from);
    Record {
        v: 1,
        id: format!("id-{token}"),
        user,
        name: format!("name-{token}"),
        hash: known_hash(token, token % 4 == 3),
        created: NOW,
        expires: expires.map(|seconds| NOW + i64::from(seconds)),
        access: match kind & 3 {
            0 => Access::Limited {
                features: features[..usize::from(kind >> 2 & 1) + 1].to_vec(),
            },
            1 => Access::Limited { features: Vec::new() },
            _ => Access::Full,
        },
        read_only: kind & 8 != 0,
        addresses: match kind >> 4 & 3 {
            1 => vec!["192.0.2.0/24".into()],
            2 => vec!["2001:db8::/32".into(), "::ffff:192.0.2.7".into()],
            _ => Vec::new(),
        },
        realm: if kind & 0xc0 == 0xc0 {
            Realm::Admin
        } else {
            Realm::Account
        },
        revoked,
        ..Record::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let options = SnapshotOptions {
        public_keys: vec![KEY.with(SigningKey::public_key)],
        peppers: vec![pepper()],
        ..SnapshotOptions::default()
    };
    let mut edge = Snapshot::new(options).expect("the options are valid");
    let mut origin = Origin::default();
    for (step, version) in input.steps.iter().take(8).zip(1_u64..) {
        step.changes.iter().for_each(|change| origin.change(change));
        let base = (version > 1 && !step.snapshot).then_some(version - 1);
        let message = origin.publish(base, version, input.names);
        let now = NOW + i64::try_from(version).unwrap_or_default();
        let said = inspect(&message).expect("a signed message has a good head");
        assert_eq!((said.version, said.names), (version, input.names));
        let (head, mut body) = message.split_at(MESSAGE_HEAD_BYTES);
        assert_eq!(
            edge.begin(head, now).expect("the next message is taken"),
            body.len() as u64
        );
        while !body.is_empty() {
            let (piece, rest) = body.split_at(body.len().min(1 + usize::from(step.piece)));
            assert_eq!(edge.push(piece).expect("a piece is taken"), rest.len() as u64);
            body = rest;
        }
        let state = edge.commit().expect("a whole message is taken");
        assert_eq!((state.epoch, state.version, state.made), (1, version, now));
        if base.is_none() {
            assert_eq!(state.tokens, origin.tokens.len());
        }
        check(&mut edge, &origin, now, input.names);
    }
});

fn check(edge: &mut Snapshot, origin: &Origin, now: i64, names: bool) {
    let mut table = origin.table();
    let reads = Call {
        feature: Some("mail".into()),
        writes: Some(false),
        ..Call::default()
    };
    let admin = Call {
        realm: Some(Realm::Admin),
        ..Call::default()
    };
    for (call, address) in [
        (Call::default(), None),
        (reads, Some(b"192.0.2.7".as_slice())),
        (admin, Some(b"2001:db8::1")),
    ] {
        let number = edge.prepare(&call).expect("the call is valid");
        assert_eq!(table.prepare(&call).expect("as before"), number);
        for token in 0..TOKENS {
            let header = format!("Bearer {}", secret(token));
            let code = edge.verify(number, header.as_bytes(), address, now);
            let ours = edge.verdict(code).expect("a verdict for each code");
            let theirs = table
                .verdict(table.verify(number, header.as_bytes(), address, now))
                .expect("as before");
            if theirs.reason == Reason::TokenUnknown {
                // What was deleted is revoked, where a delta said so.
                assert!(
                    matches!(ours.reason, Reason::TokenUnknown | Reason::TokenRevoked),
                    "{:?}",
                    ours.reason
                );
                continue;
            }
            assert_eq!(
                (ours.reason, &ours.user, ours.expires),
                (theirs.reason, &theirs.user, theirs.expires)
            );
            assert_eq!((&ours.access, ours.read_only), (&theirs.access, theirs.read_only));
            assert_eq!(
                (&ours.id, &ours.name),
                if names {
                    (&theirs.id, &theirs.name)
                } else {
                    (&None, &None)
                }
            );
            let holder = edge.holder(code).expect("a token has a holder");
            assert_eq!(Some(holder.user), theirs.user.as_deref());
        }
    }
}
