//! Compares the OpenAPI description with the service.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::common::edges::key;
use crate::common::served::{Request, Running};
use serde_json::Value;
use tokenlatch::PublisherOptions;
use tokenlatch_server::SnapshotConfig;

const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete", "options"];

fn document(port: SocketAddr) -> Value {
    let answer = Request::new("GET", "/openapi.json").send(port);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    answer.json()
}

fn paths(document: &Value) -> &serde_json::Map<String, Value> {
    document["paths"].as_object().unwrap()
}

fn concrete(path: &str) -> String {
    path.replace("{module}", "Email").replace("{function}", "list_pops")
}

#[test]
fn documented_methods_are_routed_and_replies_documented() {
    let running = origin();
    for port in [running.account, running.admin] {
        let document = document(port);
        assert_eq!(document["openapi"], "3.1.0");
        for (path, item) in paths(&document) {
            for method in METHODS {
                let answer = Request::new(&method.to_uppercase(), &concrete(path)).send(port);
                let documented = &item[method]["responses"];
                if documented.is_null() {
                    assert_eq!(answer.status, 405, "{method} {path}");
                } else {
                    assert!(
                        !documented[answer.status.to_string()].is_null(),
                        "{method} {path}: {}",
                        answer.status
                    );
                    assert!(
                        ![404, 405].contains(&answer.status),
                        "{method} {path}: {}",
                        answer.status
                    );
                }
            }
        }
    }
}

/// A server with every optional feature enabled.
fn origin() -> Running {
    Running::with(|config| {
        config.snapshots = Some(SnapshotConfig {
            key: key(),
            options: PublisherOptions::default(),
        });
    })
}

#[test]
fn snapshot_paths_are_documented_only_on_an_origin() {
    let added: BTreeSet<_> = ["/snapshot", "/snapshot/deltas", "/snapshot/usage"]
        .map(str::to_owned)
        .into();
    let found = |running: &Running| paths(&document(running.admin)).keys().cloned().collect::<BTreeSet<_>>();
    let (without, with) = (found(&Running::start()), found(&origin()));
    assert_eq!(with.difference(&without).cloned().collect::<BTreeSet<_>>(), added);
    assert!(without.is_subset(&with));
}

#[test]
fn every_routed_path_is_documented() {
    let running = Running::start();
    let both = ["/auth", "/health", "/ready", "/openapi.json"];
    let account = [
        "create_full_access",
        "create_limited",
        "get_addresses",
        "list",
        "rename",
        "revoke",
        "set_addresses",
    ];
    let admin = ["create", "get_details", "list", "revoke", "update"];
    let account = account
        .map(|function| format!("/execute/Tokens/{function}"))
        .into_iter();
    let account = account.chain(["/execute/{module}/{function}", "/json-api/cpanel"].map(str::to_owned));
    let admin = admin
        .map(|function| format!("/json-api/api_token_{function}"))
        .into_iter();
    let admin = admin.chain(["/json-api/cpanel", "/json-api/{function}", "/metrics"].map(str::to_owned));
    let expected = |own: &mut dyn Iterator<Item = String>| own.chain(both.map(str::to_owned)).collect::<BTreeSet<_>>();
    let found = |port| paths(&document(port)).keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(found(running.account), expected(&mut account.into_iter()));
    assert_eq!(found(running.admin), expected(&mut admin.into_iter()));
}

#[test]
fn references_resolve_and_operation_ids_are_unique() {
    let running = origin();
    for port in [running.account, running.admin] {
        let document = document(port);
        check_references(&document, &document);
        let mut names = BTreeSet::new();
        for item in paths(&document).values() {
            for operation in item.as_object().unwrap().values() {
                assert!(names.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            }
        }
    }
}

fn check_references(value: &Value, document: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            fields.values().for_each(|field| check_references(field, document));
        }
        Value::Array(items) => items.iter().for_each(|item| check_references(item, document)),
        _ => {}
    }
}
