//! What tokens have in common is stored once in a table, however many deltas bring it.

use tokenlatch_core::{Features, Publication, Reason, Record, Snapshot};

use crate::origin::{NOW, account, edge, header, heading, key, record};

/// A token with an address list, which is the same for the same number.
fn listed(token: u32, list: u32) -> Record {
    Record {
        addresses: vec![format!("10.0.{}.{}", list >> 8, list & 255)],
        ..record(token, "alice")
    }
}

fn ask(edge: &Snapshot, token: u32, list: u32) -> (Reason, Option<u32>) {
    let address = format!("10.0.{}.{}", list >> 8, list & 255);
    let code = edge.verify(0, header(token).as_bytes(), Some(address.as_bytes()), NOW);
    let grant = edge.holder(code).map(|holder| holder.grant);
    (edge.verdict(code).unwrap().reason, grant)
}

#[test]
fn tokens_keep_their_lists_and_equal_lists_are_shared() {
    const LISTS: u32 = 300;
    let mut edge = edge();
    let mut made = Publication::snapshot(heading(1));
    made.account(&account("alice")).unwrap();
    (0..LISTS).for_each(|token| made.record(&listed(token, token)).unwrap());
    edge.apply(&made.sign(&key(1)).unwrap(), NOW).unwrap();
    // Two deltas: the first brings new and known lists, the second brings only known ones.
    for (version, first) in [(2, LISTS), (3, 3 * LISTS)] {
        let mut made = Publication::delta(version - 1, heading(version));
        made.account(&account("alice")).unwrap();
        (0..2 * LISTS).for_each(|list| made.record(&listed(first + list, list)).unwrap());
        edge.apply(&made.sign(&key(1)).unwrap(), NOW).unwrap();
    }
    for list in 0..2 * LISTS {
        let tokens = [LISTS + list, 3 * LISTS + list]
            .into_iter()
            .chain((list < LISTS).then_some(list));
        let grants: Vec<u32> = tokens
            .map(|token| {
                assert_eq!(ask(&edge, token, list + 1).0, Reason::AddressRefused);
                let (reason, grant) = ask(&edge, token, list);
                assert_eq!(reason, Reason::Ok);
                grant.unwrap()
            })
            .collect();
        assert!(
            grants.iter().all(|grant| *grant == grants[0] && *grant < 2 * LISTS),
            "{grants:?}"
        );
    }
}

#[test]
fn each_user_keeps_to_their_own_account_state() {
    const USERS: u32 = 300;
    let user = |number: u32| format!("user{number}");
    let state = |number: u32, suspended: bool| {
        let mut account = account(&user(number));
        account.suspended = suspended;
        let features = ["apitokens".to_owned(), format!("f{}", number / 2)];
        account.features = Features::List(features.into());
        account
    };
    let mut edge = edge();
    let mut made = Publication::snapshot(heading(1));
    for number in 0..USERS {
        made.account(&state(number, false)).unwrap();
        made.record(&record(number, &user(number))).unwrap();
    }
    edge.apply(&made.sign(&key(1)).unwrap(), NOW).unwrap();
    let mut made = Publication::delta(1, heading(2));
    (0..USERS)
        .step_by(3)
        .for_each(|number| made.account(&state(number, true)).unwrap());
    edge.apply(&made.sign(&key(1)).unwrap(), NOW).unwrap();
    let mut made = Publication::delta(2, heading(3));
    (0..USERS)
        .step_by(6)
        .for_each(|number| made.account(&state(number, false)).unwrap());
    edge.apply(&made.sign(&key(1)).unwrap(), NOW).unwrap();
    for number in 0..USERS {
        let suspended = number % 3 == 0 && number % 6 != 0;
        let expected = if suspended {
            Reason::AccountSuspended
        } else {
            Reason::Ok
        };
        assert_eq!(ask(&edge, number, 0).0, expected, "{number}");
    }
}
