//! The identity of an admitted request, as header fields for the API behind the guard.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokenlatch_core::{Access, Realm, Verdict};

/// Maximum length of the list of features, in bytes. Many proxies have a 4 kB buffer for the whole head of an answer of `/auth`.
/// A longer list is left out, and the API gets only the number of features.
const MAX_FEATURES: usize = 3072;

/// Adds the identity from a verdict, and the port that it may use.
pub(crate) fn add(headers: &mut HeaderMap, verdict: &Verdict, realm: Realm) {
    let mut put = |name: &'static str, value: Option<&str>| {
        // The module allows only printable ASCII in these values.
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
            if list.len() <= MAX_FEATURES {
                put("x-tokenlatch-features", Some(&list));
            } else {
                put("x-tokenlatch-features-omitted", Some(&features.len().to_string()));
            }
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

#[cfg(test)]
mod tests {
    use tokenlatch_core::{IDENTITY_FIELDS, Reason};

    use super::*;

    #[test]
    fn identity_fields_lists_every_header() {
        let mut headers = HeaderMap::new();
        for count in [1, 1000] {
            let features = (0..count).map(|number| format!("feature{number}")).collect();
            let verdict = Verdict {
                user: Some("alice".to_owned()),
                id: Some("id".to_owned()),
                name: Some("name".to_owned()),
                access: Some(Access::Limited { features }),
                read_only: Some(true),
                allowed: true,
                status: 200,
                reason: Reason::Ok,
                message: String::new(),
                expires: None,
                refusal: None,
            };
            add(&mut headers, &verdict, Realm::Account);
        }
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        let mut known = IDENTITY_FIELDS.to_vec();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
    }
}
