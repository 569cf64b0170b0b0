//! A table after any updates decides as `verify` does on the record that a plain map holds by then; a refused update
//! changes nothing.
#![no_main]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use tokenlatch_core::{
    Access, Account, Authorization, Call, ErrorCode, Features, Reason, Record, TableInput, TableUpdate, TokenTable,
    Verdict, VerifyRequest, verify,
};
use tokenlatch_fuzz::origin::{NOW, hash, secret};

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const TOKENS: u8 = 6;

#[derive(Arbitrary, Debug)]
struct Token {
    id: u8,
    hash: u8,
    user: u8,
    expires: Option<i8>,
    limited: bool,
    read_only: bool,
    bound: bool,
    revoked: bool,
}

#[derive(Arbitrary, Debug)]
struct Update {
    records: Vec<Token>,
    accounts: Vec<(u8, bool, bool)>,
    remove_ids: Vec<u8>,
    remove_users: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
struct Input {
    first: Update,
    updates: Vec<Update>,
}

fn user(at: u8) -> String {
    USERS[usize::from(at) % USERS.len()].into()
}

fn hashes() -> &'static [String] {
    static HASHES: OnceLock<Vec<String>> = OnceLock::new();
    HASHES.get_or_init(|| (0..TOKENS).map(|token| hash(token, None)).collect())
}

fn record(token: &Token) -> Record {
    Record {
        v: 1,
        id: format!("id-{}", token.id % TOKENS),
        user: user(token.user),
        name: "name".into(),
        hash: hashes()[usize::from(token.hash % TOKENS)].clone(),
        created: NOW,
        expires: token.expires.map(|seconds| NOW + i64::from(seconds)),
        access: match token.limited {
            true => Access::Limited {
                features: vec!["mail".into()],
            },
            false => Access::Full,
        },
        read_only: token.read_only,
        addresses: if token.bound {
            vec!["192.0.2.0/24".into()]
        } else {
            Vec::new()
        },
        revoked: token.revoked.then_some(NOW),
        ..Record::default()
    }
}

fn update(update: &Update) -> TableUpdate {
    let account = |(at, suspended, all): &(u8, bool, bool)| Account {
        user: user(*at),
        suspended: *suspended,
        administrator: false,
        features: match all {
            true => Features::All,
            false => Features::List(vec!["apitokens".into()]),
        },
    };
    TableUpdate {
        records: update.records.iter().map(record).collect(),
        accounts: update.accounts.iter().map(account).collect(),
        remove_ids: update
            .remove_ids
            .iter()
            .map(|id| format!("id-{}", id % TOKENS))
            .collect(),
        remove_users: update.remove_users.iter().map(|at| user(*at)).collect(),
    }
}

#[derive(Clone, Default)]
struct Model {
    records: BTreeMap<String, Record>,
    accounts: BTreeMap<String, Account>,
}

impl Model {
    /// `false` if two ids would share a hash.
    fn update(&mut self, update: TableUpdate) -> bool {
        let mut next = self.clone();
        next.records
            .retain(|id, record| !update.remove_ids.contains(id) && !update.remove_users.contains(&record.user));
        let clashes = |records: &BTreeMap<String, Record>, record: &Record| {
            records
                .values()
                .any(|other| other.id != record.id && other.hash == record.hash)
        };
        // Those that the update replaces still count.
        let mut seen: Vec<&Record> = Vec::new();
        for record in &update.records {
            if clashes(&next.records, record)
                || seen
                    .iter()
                    .any(|other| other.id != record.id && other.hash == record.hash)
            {
                return false;
            }
            seen.push(record);
        }
        next.accounts.retain(|user, _| !update.remove_users.contains(user));
        next.accounts.extend(
            update
                .accounts
                .into_iter()
                .map(|account| (account.user.clone(), account)),
        );
        for mut record in update.records {
            let known = next.records.get(&record.id).and_then(|known| known.revoked);
            record.revoked = record.revoked.or(known);
            next.records.insert(record.id.clone(), record);
        }
        *self = next;
        true
    }

    fn decide(&self, token: u8, call: &Call) -> Verdict {
        let record = self
            .records
            .values()
            .find(|record| record.hash == hashes()[usize::from(token)])
            .cloned();
        let request = VerifyRequest {
            now: NOW,
            authorization: Authorization::from(format!("Bearer {}", secret(token)).as_str()),
            account: record
                .as_ref()
                .and_then(|record| self.accounts.get(&record.user))
                .cloned(),
            record,
            call: Some(call.clone()),
            peppers: Vec::new(),
            catalogue: None,
        };
        verify(request).expect("the request is valid")
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let mut model = Model::default();
    let first = TableUpdate {
        remove_ids: Vec::new(),
        remove_users: Vec::new(),
        ..update(&input.first)
    };
    let opened = TokenTable::new(TableInput {
        records: first.records.clone(),
        accounts: first.accounts.clone(),
        ..TableInput::default()
    });
    let good = model.update(first);
    assert_eq!(opened.is_ok(), good);
    let Ok(mut table) = opened else {
        return;
    };
    check(&mut table, &model);
    for each in &input.updates {
        let before: Vec<i64> = codes(&table);
        let good = model.update(update(each));
        match table.update(update(each)) {
            Ok(lost) => {
                assert!(good, "two ids share a hash");
                // A code of admission that isn't reported as lost keeps its token.
                for (old, new) in before.iter().zip(codes(&table)) {
                    let admitted = old >> 32 == 0 && *old > 0;
                    assert!(
                        !admitted || lost.contains(old) || *old & 0xffff_ffff == new & 0xffff_ffff,
                        "{old} became {new}"
                    );
                }
            }
            Err(error) => {
                assert_eq!((error.code, good), (ErrorCode::HashTaken, false));
                assert_eq!(codes(&table), before, "a refused update changes something");
            }
        }
        check(&mut table, &model);
    }
});

fn codes(table: &TokenTable) -> Vec<i64> {
    let headers = (0..TOKENS).map(|token| format!("Bearer {}", secret(token)));
    headers
        .map(|header| table.verify(0, header.as_bytes(), None, NOW))
        .collect()
}

fn check(table: &mut TokenTable, model: &Model) {
    assert_eq!(table.len(), model.records.len());
    let reads = Call {
        feature: Some("mail".into()),
        writes: Some(false),
        ..Call::default()
    };
    for (call, address) in [(Call::default(), None), (reads, Some("192.0.2.7"))] {
        let number = table.prepare(&call).expect("the call is valid");
        let call = Call {
            address: address.map(Into::into),
            ..call
        };
        for token in 0..TOKENS {
            let header = format!("Bearer {}", secret(token));
            let code = table.verify(number, header.as_bytes(), address.map(str::as_bytes), NOW);
            let verdict = table.verdict(code).expect("a verdict for each code");
            assert_eq!(verdict, model.decide(token, &call));
            assert_eq!(verdict.allowed, code >> 32 == 0 && verdict.reason == Reason::Ok);
        }
    }
}
