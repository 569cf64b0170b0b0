//! Tables and snapshots decide on the fields of a request as `verify` does. The vectors have its verdicts.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "snapshot/origin.rs"]
#[expect(dead_code, reason = "these tests use a part of it")]
mod origin;

use tokenlatch_core::{
    Authorization, ErrorCode, IdentifyRequest, Reason, RequestFields, Snapshot, SnapshotOptions, TableInput,
    TokenTable, VerifyRequest, identify, verify,
};

use origin::{NOW, account, heading, options, record, snapshot};

const TOKEN: &str = "TOKEN000000000000000000000000001";
/// `:TOKEN…`, `alice:TOKEN…` and `bob:TOKEN…`.
const BASIC: [&str; 3] = [
    "Basic OlRPS0VOMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAx",
    "Basic YWxpY2U6VE9LRU4wMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDE=",
    "Basic Ym9iOlRPS0VOMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAx",
];

fn credentials() -> Vec<String> {
    ["basic", "x-api-key", "scheme:Token"].map(Into::into).into()
}

fn table() -> TokenTable {
    TokenTable::new(TableInput {
        records: vec![record(1, "alice")],
        accounts: vec![account("alice")],
        credentials: Some(credentials()),
        ..TableInput::default()
    })
    .unwrap()
}

fn edge() -> Snapshot {
    let mut edge = Snapshot::new(SnapshotOptions {
        credentials: Some(credentials()),
        ..options()
    })
    .unwrap();
    edge.apply(&snapshot(heading(1), &[1]), NOW).unwrap();
    edge
}

/// Fields, and the reason for which they are admitted or refused.
const REQUESTS: &[(&[(&str, &str)], Reason)] = &[
    (&[("X-Api-Key", TOKEN)], Reason::Ok),
    (&[("Authorization", BASIC[0]), ("Accept", "*/*")], Reason::Ok),
    (&[("authorization", BASIC[1])], Reason::Ok),
    (&[("authorization", BASIC[2])], Reason::UserMismatch),
    (
        &[("authorization", "token TOKEN000000000000000000000000001")],
        Reason::Ok,
    ),
    (
        &[("authorization", BASIC[0]), ("sec-fetch-site", "cross-site")],
        Reason::CrossSite,
    ),
    (
        &[("authorization", BASIC[0]), ("x-api-key", TOKEN)],
        Reason::HeaderRepeated,
    ),
    (&[("authorization", "Bearer x"), ("x-api-key", TOKEN)], Reason::Ok),
    (&[("authorization", "Bearer x")], Reason::SchemeUnsupported),
    (&[("x-api-key", "x")], Reason::HeaderMalformed),
    (&[("x-api-key", "")], Reason::HeaderMissing),
    (&[], Reason::HeaderMissing),
];

fn reason_of(code: i64) -> Reason {
    Reason::ALL[usize::try_from(code >> 32).unwrap()]
}

#[test]
fn decides_on_fields_as_verify_does() {
    let (table, edge) = (table(), edge());
    for (fields, reason) in REQUESTS {
        let bytes: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        assert_eq!(
            reason_of(table.verify_fields(0, &bytes, None, NOW)),
            *reason,
            "{fields:?}"
        );
        assert_eq!(
            reason_of(edge.verify_fields(0, &bytes, None, NOW)),
            *reason,
            "{fields:?}"
        );
        let given = fields.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let authorization = Authorization::Fields(Box::new(RequestFields {
            credentials: Some(credentials()),
            fields: given.collect(),
        }));
        let shown = format!("{authorization:?}");
        assert!(!shown.contains(TOKEN) && !shown.contains("VE9L"), "{shown}");
        let verdict = verify(VerifyRequest {
            now: NOW,
            authorization,
            record: Some(record(1, "alice")),
            account: Some(account("alice")),
            call: None,
            peppers: Vec::new(),
            catalogue: None,
        });
        assert_eq!(verdict.unwrap().reason, *reason, "{fields:?}");
    }
}

#[test]
fn decides_on_one_header_by_the_chosen_credentials() {
    let (table, edge) = (table(), edge());
    for (header, reason) in [
        (BASIC[0], Reason::Ok),
        ("Bearer TOKEN000000000000000000000000001", Reason::SchemeUnsupported),
        ("", Reason::HeaderMissing),
    ] {
        assert_eq!(
            reason_of(table.verify(0, header.as_bytes(), None, NOW)),
            reason,
            "{header}"
        );
        assert_eq!(
            reason_of(edge.verify(0, header.as_bytes(), None, NOW)),
            reason,
            "{header}"
        );
    }
    assert!(!table.accepts_usual() && !edge.accepts_usual());
}

#[test]
fn shows_the_challenge_of_a_table_and_a_snapshot() {
    let challenge = "Basic realm=\"tokenlatch\", ApiKey realm=\"tokenlatch\", in=\"header\", name=\"x-api-key\", Token realm=\"tokenlatch\"";
    let (table, edge) = (table(), edge());
    for verdict in [
        table.verdict(table.verify(0, b"", None, NOW)),
        edge.verdict(edge.verify(0, b"", None, NOW)),
    ] {
        let headers = verdict.unwrap().refusal.unwrap().headers.0;
        assert_eq!(headers.first(), Some(&("WWW-Authenticate".into(), challenge.into())));
    }
}

#[test]
fn no_error_shows_what_was_given() {
    let authorization = Authorization::Fields(Box::new(RequestFields {
        credentials: Some(vec![TOKEN.into()]),
        fields: vec![("x-api-key".into(), TOKEN.into())],
    }));
    let error = identify(&IdentifyRequest {
        authorization,
        peppers: Vec::new(),
    })
    .unwrap_err();
    assert_eq!(error.code, ErrorCode::CredentialsInvalid);
    assert_eq!(error.field.as_deref(), Some("authorization.credentials[0]"));
    assert!(!format!("{error:?} {error}").contains(TOKEN));
}
