//! Prepared calls: requests can ask for any number of them.

use tokenlatch_core::{Access, Call, ErrorCode, Publication, Reason, Record, Snapshot, TableInput, TokenTable, Value};

use crate::origin::{NOW, account, edge, header, heading, key, record};

fn call(feature: &str) -> Call {
    Call {
        feature: Some(feature.into()),
        writes: Some(false),
        ..Call::default()
    }
}

/// A token that may do backups.
fn limited() -> Record {
    Record {
        access: Access::Limited {
            features: vec!["backup".into()],
        },
        ..record(1, "alice")
    }
}

fn table() -> TokenTable {
    TokenTable::new(TableInput {
        records: vec![limited()],
        accounts: vec![account("alice")],
        ..TableInput::default()
    })
    .unwrap()
}

fn snapshot() -> Snapshot {
    let mut made = Publication::snapshot(heading(1));
    made.account(&account("alice")).unwrap();
    made.record(&limited()).unwrap();
    let mut edge = edge();
    edge.apply(&made.sign(&key(1)).unwrap(), NOW).unwrap();
    edge
}

/// The checks for both types; a macro, because they share no trait.
macro_rules! forgets {
    ($judge:expr) => {
        let mut judge = $judge;
        let backup = judge.prepare(&call("backup")).unwrap();
        let mail = judge.prepare(&call("mail")).unwrap();
        let mut number = mail;
        while let Ok(next) = judge.prepare(&call(&format!("f{number}"))) {
            number = next;
        }
        let full = judge.prepare(&call("one-more")).unwrap_err();
        assert_eq!((full.code, number), (ErrorCode::ValueInvalid, 9_999));
        assert_eq!(judge.prepare(&call("backup")).unwrap(), backup);
        judge.forget_calls();
        assert_eq!(judge.verify(backup, header(1).as_bytes(), None, NOW), -1);
        assert_eq!(judge.verify(number, header(1).as_bytes(), None, NOW), -1);
        let nothing = judge.verify(0, header(1).as_bytes(), None, NOW);
        let nothing = judge.verdict(nothing).unwrap().reason;
        assert_eq!(nothing, Reason::FunctionWithoutFeature);
        assert_eq!(
            judge.prepare(&call("mail")).unwrap(),
            backup,
            "numbers are given out again"
        );
        assert_eq!(judge.prepare(&call("backup")).unwrap(), mail);
        assert_eq!(judge.prepare(&Call::default()).unwrap(), 0);
        let reason = |call| {
            let code = judge.verify(call, header(1).as_bytes(), None, NOW);
            judge.verdict(code).unwrap().reason
        };
        assert_eq!((reason(backup), reason(mail)), (Reason::FeatureNotGranted, Reason::Ok));
    };
}

#[test]
fn table_reuses_numbers_after_forgetting_calls() {
    forgets!(table());
}

#[test]
fn snapshot_reuses_numbers_after_forgetting_calls() {
    forgets!(snapshot());
}

fn catalogue(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

macro_rules! takes_another_catalogue {
    ($judge:expr) => {
        let mut judge = $judge;
        let list = |feature: &str| {
            catalogue(&format!(
                r#"{{"catalogue":[{{"module":"Shop","function":"orders","apis":["uapi"],"feature":"{feature}","writes":false}}]}}"#
            ))
        };
        let orders = Call {
            module: Some("Shop".into()),
            function: Some("orders".into()),
            ..Call::default()
        };
        for (feature, reason) in [("mail", Reason::FeatureNotGranted), ("backup", Reason::Ok)] {
            judge.set_catalogue(list(feature)).unwrap();
            assert_eq!(judge.verify(1, header(1).as_bytes(), None, NOW), -1, "calls are forgotten");
            assert_eq!(judge.prepare(&orders).unwrap(), 1);
            let code = judge.verify(1, header(1).as_bytes(), None, NOW);
            assert_eq!(judge.verdict(code).unwrap().reason, reason);
        }
        for (wrong, code) in [
            (r#"{"catalogue":null}"#, ErrorCode::TypeInvalid),
            (r#"{"functions":[]}"#, ErrorCode::FieldUnknown),
            ("[]", ErrorCode::TypeInvalid),
        ] {
            assert_eq!(judge.set_catalogue(catalogue(wrong)).unwrap_err().code, code);
        }
        let spoilt = judge.set_catalogue(list("not a feature")).unwrap_err();
        assert_eq!(spoilt.code, ErrorCode::FeatureInvalid);
        let code = judge.verify(1, header(1).as_bytes(), None, NOW);
        assert_eq!(judge.verdict(code).unwrap().reason, Reason::Ok, "the old one stays");
        judge.set_catalogue(catalogue("{}")).unwrap();
        assert_eq!(judge.prepare(&orders).unwrap(), 0, "it is as unknown as a call that names nothing");
        let code = judge.verify(0, header(1).as_bytes(), None, NOW);
        assert_eq!(judge.verdict(code).unwrap().reason, Reason::FunctionWithoutFeature);
    };
}

#[test]
fn catalogue_replacement_is_all_or_nothing() {
    takes_another_catalogue!(table());
    takes_another_catalogue!(snapshot());
}
