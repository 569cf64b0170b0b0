//! What a table says of itself and of the numbers that it returns. The vectors have its verdicts.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "snapshot/origin.rs"]
#[expect(dead_code, reason = "these tests use a part of it")]
mod origin;

use tokenlatch_core::{ErrorCode, Record, TableInput, TableUpdate, TokenTable, Value};

use origin::{NOW, account, header, record};

fn table(tokens: &[u32]) -> TokenTable {
    TokenTable::new(TableInput {
        records: tokens.iter().map(|token| record(*token, "alice")).collect(),
        accounts: vec![account("alice")],
        ..TableInput::default()
    })
    .unwrap()
}

fn verify(table: &TokenTable, token: u32) -> i64 {
    table.verify(0, header(token).as_bytes(), None, NOW)
}

#[test]
fn counts_its_records() {
    let mut table = table(&[]);
    assert_eq!((table.len(), table.is_empty()), (0, true));
    let records = vec![record(1, "alice"), record(2, "alice")];
    table
        .update(TableUpdate {
            records,
            ..TableUpdate::default()
        })
        .unwrap();
    assert_eq!((table.len(), table.is_empty()), (2, false));
}

/// A host that has kept an admission forgets it by these numbers.
#[test]
fn returns_the_admissions_that_an_update_ends() {
    let mut table = table(&[1, 2, 3, 4]);
    let admissions: Vec<i64> = (1..=4).map(|token| verify(&table, token)).collect();
    let fresh = TableUpdate {
        records: vec![record(5, "alice")],
        ..TableUpdate::default()
    };
    assert!(table.update(fresh).unwrap().is_empty());
    let changed = Record {
        read_only: true,
        ..record(1, "alice")
    };
    let update = TableUpdate {
        records: vec![changed],
        remove_ids: vec!["id-2".into(), "unknown".into()],
        ..TableUpdate::default()
    };
    let mut ended = table.update(update).unwrap();
    ended.sort_unstable();
    assert_eq!(ended, admissions[..2]);
    let gone = r#"{"removeUsers":["alice","nobody"]}"#;
    let mut ended = table.update_value(Value::from_json(gone.as_bytes()).unwrap()).unwrap();
    ended.sort_unstable();
    assert_eq!(ended.len(), 4);
    assert!(admissions[2..].iter().all(|code| ended.contains(code)));
    assert!(table.is_empty());
}

#[test]
fn numbers_that_no_verification_returns_have_no_verdict() {
    let table = table(&[1]);
    let code = |number| table.verdict(number).unwrap_err().code;
    assert_eq!(code(-1), ErrorCode::CallUnknown);
    // 0 would be an admission of no token, 2 one of a slot that isn't used.
    for number in [-2, i64::MIN, 0, 2, i64::from(u32::MAX), 1 << 60, i64::MAX] {
        assert_eq!(code(number), ErrorCode::ValueInvalid, "{number}");
    }
    assert!(table.verdict(1).unwrap().allowed);
}

/// Slots are reused, and a lookup never finds what was removed.
#[test]
fn a_table_that_changes_often_finds_what_it_holds() {
    let mut table = table(&[]);
    for round in 0..8 {
        let tokens = round * 50..round * 50 + 100;
        let records = tokens.clone().map(|token| record(token, "alice")).collect();
        table
            .update(TableUpdate {
                records,
                ..TableUpdate::default()
            })
            .unwrap();
        assert!(
            tokens
                .clone()
                .all(|token| (1..1 << 32).contains(&verify(&table, token)))
        );
        let remove_ids = tokens.clone().map(|token| format!("id-{token}")).collect();
        table
            .update(TableUpdate {
                remove_ids,
                ..TableUpdate::default()
            })
            .unwrap();
        assert!(tokens.clone().all(|token| verify(&table, token) >= 1 << 32));
        assert!(table.is_empty());
    }
}
