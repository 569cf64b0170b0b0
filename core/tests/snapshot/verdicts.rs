//! Verdicts equal those of a table with the same records, however deltas led to it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokenlatch_core::{
    Access, Account, Call, Features, Heading, Publication, Realm, Reason, Record, Snapshot, SnapshotOptions,
    TableInput, TokenTable,
};

use crate::origin::{NOW, account, edge, hash, header, heading, key, options, pepper, record, snapshot};

#[test]
fn a_verdict_has_id_and_name_where_they_were_sent() {
    for names in [false, true] {
        let mut edge = edge();
        edge.apply(&snapshot(Heading { names, ..heading(1) }, &[1, 2, 3]), NOW)
            .unwrap();
        let code = edge.verify(0, header(2).as_bytes(), None, NOW);
        let verdict = edge.verdict(code).unwrap();
        assert_eq!(verdict.user.as_deref(), Some("alice"));
        assert_eq!(verdict.access, Some(Access::Full));
        assert_eq!(verdict.id.as_deref(), names.then_some("id-2"));
        assert_eq!(verdict.name.as_deref(), names.then_some("name-2"));
        let holder = edge.holder(code).unwrap();
        assert_eq!((holder.user, holder.expires), ("alice", None));
        assert!(edge.holder(edge.verify(0, header(9).as_bytes(), None, NOW)).is_none());
    }
}

#[test]
fn snapshot_with_an_unknown_pepper_is_refused() {
    let mut made = Publication::snapshot(heading(1));
    let hash = hash(1, &[pepper()]);
    made.record(&Record {
        hash,
        ..record(1, "alice")
    })
    .unwrap();
    made.account(&account("alice")).unwrap();
    let message = made.sign(&key(1)).unwrap();
    let error = edge().apply(&message, NOW).unwrap_err();
    assert_eq!(error.code.as_str(), "pepper_unknown");
    let peppers = vec![pepper()];
    let mut edge = Snapshot::new(SnapshotOptions { peppers, ..options() }).unwrap();
    edge.apply(&message, NOW).unwrap();
    assert_eq!(crate::origin::reason(&edge, 1, NOW), Reason::Ok);
}

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const CALLS: [(Option<&str>, bool); 4] = [
    (None, true),
    (Some("backup"), false),
    (Some("backup"), true),
    (Some("snapshot-read"), false),
];

/// The content of a store: numbered tokens, and accounts by user.
#[derive(Clone, Debug, Default)]
struct Store {
    records: BTreeMap<u32, Record>,
    accounts: BTreeMap<String, Account>,
}

/// A change in a store.
#[derive(Clone, Debug)]
enum Change {
    Put(u32, Box<Record>),
    Revoke(u32),
    Account(Account),
    RemoveUser(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let features = prop_oneof![
        Just(Vec::new()),
        Just(vec!["backup".to_owned()]),
        Just(vec!["apitokens".to_owned(), "backup".to_owned()]),
        Just(vec!["apitokens".to_owned(), "snapshot-read".to_owned()]),
    ];
    let access = prop_oneof![
        Just(Access::Full),
        features.clone().prop_map(|features| Access::Limited { features }),
    ];
    let addresses = prop_oneof![
        2 => Just(vec![]),
        1 => Just(vec!["192.0.2.0/24".to_owned()]),
        1 => Just(vec!["2001:db8::/32".to_owned(), "::ffff:192.0.2.7".to_owned()]),
    ];
    let own = (
        0_u32..30,
        0..USERS.len(),
        prop_oneof![Just(None), (-5_i64..5).prop_map(|at| Some(NOW + at))],
    );
    let put = (own, access, any::<bool>(), addresses, any::<bool>(), any::<bool>()).prop_map(
        |((token, user, expires), access, read_only, addresses, admin, peppered)| {
            let peppers = if peppered { vec![pepper()] } else { vec![] };
            let changed = Record {
                expires,
                access,
                read_only,
                addresses,
                realm: if admin { Realm::Admin } else { Realm::Account },
                hash: hash(token, &peppers),
                ..record(token, USERS[user])
            };
            Change::Put(token, Box::new(changed))
        },
    );
    let features = prop_oneof![Just(Features::All), features.prop_map(Features::List)];
    let flags = any::<(bool, bool)>();
    let known = (0..USERS.len(), flags, features).prop_map(|(user, (suspended, administrator), features)| {
        Change::Account(Account {
            user: USERS[user].into(),
            suspended,
            administrator,
            features,
        })
    });
    prop_oneof![
        6 => put,
        2 => (0_u32..30).prop_map(Change::Revoke),
        2 => known,
        1 => (0..USERS.len()).prop_map(Change::RemoveUser),
    ]
}

impl Store {
    /// Makes the changes, and writes a publication of everything that changed, in its final state.
    fn change(&mut self, changes: &[Change], delta: &mut Publication) {
        for change in changes {
            match change {
                Change::Put(token, changed) => {
                    // A hash under another pepper would be another token.
                    if self.records.get(token).is_none_or(|known| known.hash == changed.hash) {
                        let revoked = self.records.get(token).and_then(|known| known.revoked);
                        self.records.insert(
                            *token,
                            Record {
                                revoked,
                                ..*changed.clone()
                            },
                        );
                    }
                }
                Change::Revoke(token) => {
                    if let Some(known) = self.records.get_mut(token) {
                        known.revoked = Some(NOW);
                        delta.revoke(&known.hash).unwrap();
                    }
                }
                Change::Account(account) => _ = self.accounts.insert(account.user.clone(), account.clone()),
                Change::RemoveUser(user) => {
                    let user = USERS[*user];
                    self.accounts.remove(user);
                    let theirs = self.records.values_mut().filter(|known| known.user == user);
                    theirs.for_each(|known| known.revoked = Some(NOW));
                    delta.remove_user(user).unwrap();
                }
            }
        }
        for change in changes {
            match change {
                Change::Put(token, _) => delta.record(&self.records[token]).unwrap(),
                Change::Account(account) => {
                    if let Some(account) = self.accounts.get(&account.user) {
                        delta.account(account).unwrap();
                    }
                }
                Change::Revoke(_) | Change::RemoveUser(_) => {}
            }
        }
        // A row refers to its user, so the user's account must be sent too.
        for account in self.accounts.values() {
            delta.account(account).unwrap();
        }
    }

    fn snapshot(&self, heading: Heading) -> Vec<u8> {
        let mut made = Publication::snapshot(heading);
        self.records.values().for_each(|record| made.record(record).unwrap());
        self.accounts
            .values()
            .for_each(|account| made.account(account).unwrap());
        made.sign(&key(1)).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn deltas_give_the_same_verdicts_as_a_fresh_snapshot(
        portions in prop::collection::vec(prop::collection::vec(change(), 0..12), 1..6),
        names: bool,
    ) {
        let peppers = vec![pepper()];
        let with = || Snapshot::new(SnapshotOptions { peppers: peppers.clone(), ..options() }).unwrap();
        let at = |version| Heading { names, ..heading(version) };
        let mut store = Store::default();
        let mut edge = with();
        edge.apply(&store.snapshot(at(0)), NOW).unwrap();
        for (version, changes) in (1..).zip(&portions) {
            let mut delta = Publication::delta(version - 1, at(version));
            store.change(changes, &mut delta);
            edge.apply(&delta.sign(&key(1)).unwrap(), NOW).unwrap();
            let mut fresh = with();
            let state = fresh.apply(&store.snapshot(at(version)), NOW).unwrap();
            prop_assert_eq!(state.tokens, edge.state().unwrap().tokens);
            let mut table = TokenTable::new(TableInput {
                records: store.records.values().cloned().collect(),
                accounts: store.accounts.values().cloned().collect(),
                peppers: peppers.clone(),
                ..TableInput::default()
            }).unwrap();
            for (feature, writes) in CALLS {
                let call = Call { feature: feature.map(Into::into), writes: Some(writes), ..Call::default() };
                let number = table.prepare(&call).unwrap();
                prop_assert_eq!(edge.prepare(&call).unwrap(), number);
                prop_assert_eq!(fresh.prepare(&call).unwrap(), number);
                for token in 0..30 {
                    let header = header(token);
                    for address in [None, Some(&b"192.0.2.7"[..]), Some(b"2001:db8::1")] {
                        let ask = |edge: &Snapshot| edge.verdict(edge.verify(number, header.as_bytes(), address, NOW)).unwrap();
                        let expected = table.verdict(table.verify(number, header.as_bytes(), address, NOW)).unwrap();
                        let mut expected = expected;
                        if !names {
                            (expected.id, expected.name) = (None, None);
                        }
                        prop_assert_eq!(&ask(&edge), &expected);
                        prop_assert_eq!(&ask(&fresh), &expected);
                    }
                }
            }
        }
    }
}
