//! Compares the hot path with `verify`: both must give the same verdict.

use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokenlatch_core::{TokenTable, Value as CoreValue, read_json};

use crate::ask::{NOW, ask, cases, code};

const SECRETS: [&str; 5] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB1",
    "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC2",
    "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD3",
    "EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE4",
];
const PEPPER: &str = "00112233445566778899aabbccddeeff";

fn hash(secret: &str, peppered: bool) -> String {
    if peppered {
        let asked = json!({"op": "identify", "authorization": format!("Bearer {secret}"), "peppers": peppers()});
        let newest = ask(&asked)["ok"]["hashes"][0].take();
        return newest.as_str().unwrap().to_owned();
    }
    let digits: String = Sha256::digest(secret)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{digits}")
}

fn peppers() -> Value {
    json!([{"id": "p", "key": PEPPER}])
}

fn user() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["alice", "alice", "alice", "alice", "bob", "carol"])
}

fn features() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(vec!["apitokens", "popaccts", "zoneedit", "mysql"], 0..=4)
}

fn realm() -> impl Strategy<Value = &'static str> {
    prop_oneof![14 => Just("account"), 1 => Just("admin")]
}

fn addresses() -> impl Strategy<Value = Vec<&'static str>> {
    let all = vec![
        "192.0.2.1",
        "192.0.2.0/24",
        "2001:db8::/32",
        "::ffff:198.51.100.0/120",
        "0.0.0.0/0",
    ];
    prop_oneof![2 => Just(Vec::new()), 1 => prop::sample::subsequence(all, 1..=3)]
}

/// The record of each secret that has one. Those with a pepper use HMAC.
fn records() -> impl Strategy<Value = Vec<Value>> {
    let end = prop_oneof![3 => Just(None), 1 => (NOW - 2..NOW + 3).prop_map(Some)];
    let access =
        prop_oneof![2 => Just(json!("full")), 2 => features().prop_map(|features| json!({"features": features}))];
    let revoked = prop_oneof![14 => Just(None), 1 => Just(Some(NOW - 9))];
    let rest = (end, access, any::<bool>(), addresses(), realm(), revoked, any::<bool>());
    let records = prop::collection::vec(prop::option::weighted(0.8, (user(), rest)), SECRETS.len());
    records.prop_map(|records| {
        let known = SECRETS.iter().zip(records).enumerate();
        let records = known.filter_map(|(at, (secret, record))| {
            let (user, (expires, access, read_only, addresses, realm, revoked, peppered)) = record?;
            Some(json!({
                "v": 1, "id": format!("id{at}"), "user": user, "name": format!("name{at}"), "hash": hash(secret, peppered),
                "hint": secret[28..], "created": NOW - 100, "expires": expires, "access": access, "readOnly": read_only,
                "addresses": addresses, "realm": realm, "revoked": revoked,
            }))
        });
        records.collect()
    })
}

/// Accounts, mostly valid. One may be missing.
fn accounts() -> impl Strategy<Value = Vec<Value>> {
    let features = prop_oneof![2 => Just(json!("all")), 2 => features().prop_map(|features| json!(features))];
    let account = prop::option::weighted(0.85, (features, prop::bool::weighted(0.1)));
    prop::collection::vec(account, 3).prop_map(|accounts| {
        let known = ["alice", "bob", "carol"].into_iter().zip(accounts);
        known
            .filter_map(|(user, account)| {
                let (features, suspended) = account?;
                Some(json!({"user": user, "features": features, "suspended": suspended}))
            })
            .collect()
    })
}

fn call() -> impl Strategy<Value = Value> {
    let api = prop::sample::select(vec!["uapi", "uapi", "uapi", "uapi", "api2", "api1", "whm"]);
    let function = prop::sample::select(vec![
        ("Email", "list_pops"),
        ("Email", "add_pop"),
        ("Email", "addpop"),
        ("DomainInfo", "list_domains"),
        ("Tokens", "list"),
        ("No", "such"),
    ]);
    let named = (api, function, realm()).prop_map(
        |(api, (module, function), realm)| json!({"api": api, "module": module, "function": function, "realm": realm}),
    );
    let touched = (
        prop::sample::select(vec!["popaccts", "mysql", "other"]),
        any::<bool>(),
        realm(),
    )
        .prop_map(|(feature, writes, realm)| json!({"feature": feature, "writes": writes, "realm": realm}));
    prop_oneof![4 => named, 3 => touched, 1 => Just(json!({}))]
}

fn header() -> impl Strategy<Value = (usize, String)> {
    let scheme = prop_oneof![
        8 => prop::sample::select(vec!["cpanel", "CPANEL ", "bearer", "Bearer"]),
        1 => prop::sample::select(vec!["whm", "digest"]),
    ];
    (0..SECRETS.len(), user(), scheme, prop::bool::weighted(0.95)).prop_map(|(at, user, scheme, whole)| {
        let bearer = scheme.eq_ignore_ascii_case("bearer");
        let who = if bearer { String::new() } else { format!("{user}:") };
        let secret = if whole { SECRETS[at] } else { &SECRETS[at][1..] };
        (at, format!("{scheme} {who}{secret}"))
    })
}

fn address() -> impl Strategy<Value = Option<&'static str>> {
    let given = [
        "192.0.2.1",
        "192.0.2.77",
        "::ffff:192.0.2.1",
        "198.51.100.9",
        "2001:db8::1",
        "2001:db9::1",
        "nowhere",
        "192.0.2.1:80",
    ];
    prop_oneof![1 => Just(None), 3 => prop::sample::select(given.to_vec()).prop_map(Some)]
}

fn core(value: &Value) -> CoreValue {
    read_json(value.to_string().as_bytes()).unwrap()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn table_gives_the_same_verdict_as_verify(
        records in records(),
        accounts in accounts(),
        calls in prop::collection::vec((call(), header(), address(), NOW - 2..NOW + 3), 1..8),
    ) {
        let input = json!({"records": records, "accounts": accounts, "peppers": peppers()});
        let mut table = TokenTable::from_value(core(&input)).unwrap();
        prop_assert_eq!(table.len(), records.len());
        for (call, (at, header), address, now) in calls {
            let prepared = table.prepare_value(core(&call)).unwrap();
            let number = table.verify(prepared, header.as_bytes(), address.map(str::as_bytes), now);
            let verdict = serde_json::to_value(table.verdict(number).unwrap()).unwrap();

            let record = records.iter().find(|record| record["id"] == format!("id{at}"));
            let account = accounts.iter().find(|account| record.is_some_and(|record| record["user"] == account["user"]));
            let mut call = call;
            if let Some(address) = address {
                call["address"] = json!(address);
            }
            let request = json!({
                "op": "verify", "now": now, "authorization": header, "record": record, "account": account,
                "call": call, "peppers": peppers(),
            });
            let answer = ask(&request);
            prop_assert_eq!(Some(&verdict), answer.pointer("/ok"), "{}", request);

            // A clock that does not work is an error in one and a refusal in the other. Neither admits the token.
            let mut stopped = request;
            stopped["now"] = json!(0);
            let answer = ask(&stopped);
            prop_assert_eq!(code(&answer), Some("now_invalid"));
            let number = table.verify(prepared, header.as_bytes(), address.map(str::as_bytes), 0);
            let refused = table.verdict(number).unwrap();
            let known = !verdict["id"].is_null();
            prop_assert_eq!(refused.reason.as_str(), if known { "clock_invalid" } else { verdict["reason"].as_str().unwrap() });
        }
    }

    #[test]
    fn updated_table_gives_the_same_verdicts_as_a_new_one(
        first in records(),
        second in records(),
        accounts in accounts(),
        removed in prop::sample::subsequence(vec!["id0", "id1", "id2", "id3", "id4"], 0..=5),
        (call, headers) in (call(), prop::collection::vec(header(), 1..6)),
    ) {
        let with = |records: &[Value]| json!({"records": records, "accounts": accounts, "peppers": peppers()});
        let mut table = TokenTable::from_value(core(&with(&first))).unwrap();
        let slots = |table: &TokenTable| -> Vec<i64> {
            headers.iter().map(|(_, header)| table.verify(0, header.as_bytes(), None, NOW) & 0xffff_ffff).collect()
        };
        let before = slots(&table);
        table.update_value(core(&json!({"records": second, "removeIds": removed}))).unwrap();

        for ((at, _), (before, after)) in headers.iter().zip(before.into_iter().zip(slots(&table))) {
            let stays = !removed.iter().any(|id| *id == format!("id{at}"));
            prop_assert!(!stays || before == 0 || after == 0 || before == after, "a record that stays keeps its slot");
        }

        // Removals come first. Then known records are replaced, but a revoked one never becomes valid again.
        let mut left: Vec<Value> = first.iter().filter(|record| !removed.contains(&record["id"].as_str().unwrap())).cloned().collect();
        for record in &second {
            let mut record = record.clone();
            if let Some(at) = left.iter().position(|known| known["id"] == record["id"]) {
                let known = left.remove(at);
                if !known["revoked"].is_null() {
                    record["revoked"] = known["revoked"].clone();
                }
            }
            left.push(record);
        }
        let mut fresh = TokenTable::from_value(core(&with(&left))).unwrap();
        prop_assert_eq!(table.len(), fresh.len());
        let (a, b) = (table.prepare_value(core(&call)).unwrap(), fresh.prepare_value(core(&call)).unwrap());
        for (_, header) in headers {
            let changed = table.verdict(table.verify(a, header.as_bytes(), Some(b"192.0.2.1"), NOW)).unwrap();
            let new = fresh.verdict(fresh.verify(b, header.as_bytes(), Some(b"192.0.2.1"), NOW)).unwrap();
            prop_assert_eq!(changed, new);
        }
    }

    #[test]
    fn cached_verdict_is_valid_until_an_update_returns_its_code(
        first in records(),
        changes in prop::collection::vec(
            (
                records(),
                prop::sample::subsequence(vec!["id0", "id1", "id2", "id3", "id4"], 0..=3),
                prop::option::weighted(0.2, user()),
            ),
            1..6,
        ),
        accounts in accounts(),
    ) {
        let mut table = TokenTable::from_value(core(&json!({"records": first, "peppers": peppers()}))).unwrap();
        let meaning = |table: &TokenTable| -> Vec<Option<Value>> {
            (0..20).map(|code| table.verdict(code).ok().and_then(|verdict| serde_json::to_value(verdict).ok())).collect()
        };
        let mut kept = meaning(&table);
        for (records, removed, user) in changes {
            let users: Vec<&str> = user.into_iter().collect();
            let update = json!({"records": records, "accounts": accounts, "removeIds": removed, "removeUsers": users});
            let lost = table.update_value(core(&update)).unwrap();
            let now = meaning(&table);
            for (code, (kept, now)) in (0..).zip(kept.iter().zip(&now)) {
                // A slot that was empty had no verdict that anybody could have kept.
                prop_assert!(lost.contains(&code) || kept.is_none() || kept == now, "code {}: {:?} {:?}", code, kept, now);
            }
            kept = now;
        }
    }
}
