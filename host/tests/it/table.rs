//! The hot path: a table in its own instance.

use std::thread;

use crate::common::{NOW, module, module_with};
use tokenlatch::core::{
    Access, Account, Call, CreateRequest, Created, ExpiryInput, Features, Reason, TableInput, TableUpdate,
};
use tokenlatch::{Limits, Table};

fn created(name: &str, seed: u8) -> Created {
    let entropy: String = (0..64_u8)
        .map(|byte| format!("{:02x}", byte.wrapping_mul(37).wrapping_add(seed)))
        .collect();
    let (user, name) = ("alice".to_owned(), name.to_owned());
    let request = CreateRequest {
        expires: Some(ExpiryInput::Seconds(NOW + 100)),
        ..CreateRequest::new(NOW, entropy.as_str().into(), user, name, Access::Full)
    };
    module().create(&request).unwrap()
}

fn alice() -> Account {
    Account {
        user: "alice".to_owned(),
        suspended: false,
        administrator: false,
        features: Features::All,
    }
}

fn table(records: &[&Created]) -> Table {
    let input = TableInput {
        records: records.iter().map(|created| created.record.clone()).collect(),
        accounts: vec![alice()],
        ..TableInput::default()
    };
    Table::new(&module(), &input).unwrap()
}

fn header(created: &Created) -> Vec<u8> {
    format!("cpanel alice:{}", created.token.expose()).into_bytes()
}

#[test]
fn table_admits_and_refuses_with_the_right_reason() {
    let one = created("one", 1);
    let mut table = table(&[&one]);
    assert_eq!(table.len(), 1);
    let mail = Call {
        module: Some("Email".to_owned()),
        function: Some("list_pops".to_owned()),
        ..Call::default()
    };
    let mail = table.prepare(&mail).unwrap();
    let header = header(&one);
    for (at, expected) in [
        (NOW, Reason::Ok),
        (NOW + 99, Reason::Ok),
        (NOW + 100, Reason::TokenExpired),
        (0, Reason::ClockInvalid),
    ] {
        let decision = table.verify(mail, &header, None, at).unwrap();
        assert_eq!(decision.is_allowed(), expected == Reason::Ok, "{at}");
        let verdict = table.verdict(decision).unwrap();
        assert_eq!(verdict.reason, expected, "{at}");
        assert_eq!(verdict.name.as_deref(), Some("one"));
    }
    let stranger = table
        .verify(mail, b"cpanel alice:ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", None, NOW)
        .unwrap();
    assert_eq!(table.verdict(stranger).unwrap().reason, Reason::TokenUnknown);
}

#[test]
fn hostile_headers_and_addresses_are_refused() {
    let one = created("one", 1);
    let mut table = table(&[&one]);
    let headers: [&[u8]; 8] = [
        b"",
        b"\xff\xff",
        b"cpanel",
        b"cpanel alice:",
        b"\0\0\0\0",
        &[b'a'; 1024],
        &[b'a'; 1025],
        &[0xff; 1 << 20],
    ];
    let huge = vec![b'1'; 300_000];
    for header in headers {
        for address in [None, Some(&b""[..]), Some(&b"\xff"[..]), Some(huge.as_slice())] {
            let decision = table.verify(0, header, address, NOW).unwrap();
            assert!(!decision.is_allowed(), "{} bytes", header.len());
        }
    }
    assert!(table.verify(0, &header(&one), None, NOW).unwrap().is_allowed());
}

#[test]
fn a_call_number_that_was_never_prepared_is_an_error() {
    let one = created("one", 1);
    let mut table = table(&[&one]);
    assert_eq!(
        table.verify(9, &header(&one), None, NOW).unwrap_err().code(),
        "call_unknown"
    );
    assert!(table.verify(0, &header(&one), None, NOW).unwrap().is_allowed());
}

#[test]
fn update_never_restores_a_revoked_record() {
    let one = created("one", 1);
    let mut table = table(&[&one]);
    let mut revoked = one.record.clone();
    revoked.revoked = Some(NOW);
    let update = |record| TableUpdate {
        records: vec![record],
        ..TableUpdate::default()
    };
    table.update(&update(revoked)).unwrap();
    table.update(&update(one.record.clone())).unwrap();
    let decision = table.verify(0, &header(&one), None, NOW).unwrap();
    assert_eq!(table.verdict(decision).unwrap().reason, Reason::TokenRevoked);
}

#[test]
fn an_update_adds_and_removes() {
    let (one, two) = (created("one", 1), created("two", 2));
    let mut table = table(&[&one]);
    table
        .update(&TableUpdate {
            records: vec![two.record.clone()],
            remove_ids: vec![one.record.id.clone()],
            ..TableUpdate::default()
        })
        .unwrap();
    assert_eq!(table.len(), 1);
    assert!(!table.verify(0, &header(&one), None, NOW).unwrap().is_allowed());
    assert!(table.verify(0, &header(&two), None, NOW).unwrap().is_allowed());
    table
        .update(&TableUpdate {
            remove_users: vec!["alice".to_owned()],
            ..TableUpdate::default()
        })
        .unwrap();
    let decision = table.verify(0, &header(&two), None, NOW).unwrap();
    assert_eq!(table.verdict(decision).unwrap().reason, Reason::TokenUnknown);
}

#[test]
fn invalid_record_is_refused_on_load() {
    let mut one = created("one", 1);
    one.record.hash = "sha256:00".to_owned();
    let input = TableInput {
        records: vec![one.record],
        ..TableInput::default()
    };
    assert_eq!(Table::new(&module(), &input).unwrap_err().code(), "hash_invalid");
}

#[test]
fn table_may_exceed_the_size_of_one_request() {
    let one = created("one", 1);
    let many = |spoilt: usize| {
        let mut records = vec![one.record.clone(); 30_000];
        for (number, record) in records.iter_mut().enumerate().skip(1) {
            record.id = format!("id-{number}");
            record.name = format!("name-{number}");
            record.hash = format!("sha256:{number:08x}{:056x}", 0);
        }
        if let Some(record) = records.get_mut(spoilt) {
            record.hash = "sha256:00".to_owned();
        }
        TableInput {
            records,
            accounts: vec![alice()],
            ..TableInput::default()
        }
    };
    let mut table = Table::new(&module(), &many(usize::MAX)).unwrap();
    assert_eq!(table.len(), 30_000);
    assert!(table.verify(0, &header(&one), None, NOW).unwrap().is_allowed());
    let error = Table::new(&module(), &many(29_999)).unwrap_err();
    assert_eq!(
        (error.code(), error.field()),
        ("hash_invalid", Some("records[29999].hash"))
    );
}

#[test]
fn number_of_tables_is_limited() {
    let mut limits = Limits::default();
    limits.instances = 1;
    limits.tables = 2;
    let module = module_with(limits);
    let new = || Table::new(&module, &TableInput::default());
    module.info().unwrap();
    let first = new().unwrap();
    let _second = new().unwrap();
    assert_eq!(new().unwrap_err().code(), "module_busy");
    drop(first);
    new().unwrap();
    module.info().unwrap();
}

#[test]
fn tables_and_calls_work_from_many_threads() {
    let one = created("one", 1);
    let header = header(&one);
    thread::scope(|scope| {
        for number in 0..8 {
            let (one, header) = (&one, &header);
            scope.spawn(move || {
                let mut table = table(&[one]);
                for round in 0..200 {
                    assert!(table.verify(0, header, None, NOW).unwrap().is_allowed());
                    if round % 20 == number {
                        module().info().unwrap();
                    }
                }
            });
        }
    });
    let access = &one.record.access;
    assert_eq!(access, &Access::Full);
}
