//! Who an admitted request is, as header fields for the API behind the guard.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokenlatch_core::{Access, Realm, Verdict};

/// A longer list of features is left out: proxies refuse long header fields.
const MAX_FEATURES: usize = 4096;

/// Adds the identity that a verdict found, and the port that it may use.
pub(super) fn add(headers: &mut HeaderMap, verdict: &Verdict, realm: Realm) {
    let mut put = |name: &'static str, value: Option<&str>| {
        // The module lets only printable ASCII into these.
        if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-tokenlatch-user", verdict.user.as_deref());
    put(
        "x-tokenlatch-realm",
        Some(match realm {
            Realm::Account => "account",
            Realm::Admin => "admin",
        }),
    );
    put("x-tokenlatch-token-id", verdict.id.as_deref());
    put("x-tokenlatch-token-name", verdict.name.as_deref());
    match &verdict.access {
        Some(Access::Full) => put("x-tokenlatch-access", Some("full")),
        Some(Access::Limited { features }) => {
            put("x-tokenlatch-access", Some("limited"));
            let list = features.join(",");
            put(
                "x-tokenlatch-features",
                Some(&list)
                    .filter(|list| list.len() <= MAX_FEATURES)
                    .map(String::as_str),
            );
        }
        None => {}
    }
    put(
        "x-tokenlatch-read-only",
        verdict.read_only.map(|read_only| if read_only { "1" } else { "0" }),
    );
    let expires = verdict
        .expires
        .map_or_else(|| "never".to_owned(), |expires| expires.to_string());
    put("x-tokenlatch-expires", Some(&expires));
}
