//! Where a login may lead: to the web interface's own paths, without their prefix, and nowhere else.

use axum::http::{Method, Uri};

use crate::form::Form;
use crate::log::scrub::scrub;
use crate::web_names::home;
use tokenlatch_core::Realm;

/// Maximum length of a query value that is kept.
const LONGEST: usize = 200;

/// The query parameters that are kept, by path.
const LIST: &[&str] = &["search", "sort", "order", "page", "size"];
const NEW: &[&str] = &["name"];

/// Normalises a path of the web interface. `None` if it is not one. Unknown parts are dropped.
pub(crate) fn known(realm: Realm, target: &str) -> Option<String> {
    let uri: Uri = target.parse().ok()?;
    if uri.scheme().is_some() || uri.authority().is_some() || !target.starts_with('/') {
        return None;
    }
    let path = uri.path();
    let mut parts = path.split('/').skip(1);
    let keys = match (realm, parts.next(), parts.next(), parts.next()) {
        (Realm::Account, Some("tokens"), Some("new"), None) => NEW,
        (Realm::Account, Some("tokens"), None, None) | (Realm::Admin, Some("accounts"), None, None) => LIST,
        (Realm::Account, Some("tokens"), Some(id), None) if is_segment(id) => &[],
        (Realm::Admin, Some("accounts"), Some(user), None) if is_segment(user) => LIST,
        _ => return None,
    };
    let query = Form::of_query(uri.query()).unwrap_or_default();
    let mut text = form_urlencoded::Serializer::new(String::new());
    for key in keys {
        let value = query.text(key);
        // A token that was pasted into the wrong field is not kept.
        let secret = matches!(scrub(value.as_bytes()), std::borrow::Cow::Owned(_));
        if !value.is_empty() && value.len() <= LONGEST && !secret {
            text.append_pair(key, value);
        }
    }
    let query = text.finish();
    Some(match query.as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    })
}

fn is_segment(text: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%' | b'@' | b'+');
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(fits) && !text.starts_with('.')
}

/// Where a user goes after the login that a refused request required: to the requested page, or for a POST to the page with its
/// form.
pub(crate) fn after(realm: Realm, method: &Method, uri: &Uri, form: Option<&Form>) -> String {
    let home = || home(realm).to_owned();
    if matches!(*method, Method::GET | Method::HEAD) {
        let asked = uri.path_and_query().map_or("/", |asked| asked.as_str());
        return known(realm, asked).unwrap_or_else(home);
    }
    let path = uri.path();
    if path == "/tokens" {
        let name = form.map(|form| form.text("name")).unwrap_or_default();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("name", name)
            .finish();
        return known(realm, &format!("/tokens/new?{query}")).unwrap_or_else(home);
    }
    let page = path.rsplit_once('/').map_or("", |(page, _)| page);
    let page = page.strip_suffix("/revoke").unwrap_or(page);
    known(realm, page).unwrap_or_else(home)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    #[test]
    fn accepts_only_paths_of_the_web_interface() {
        for (given, path) in [
            ("/tokens", "/tokens"),
            ("/tokens/new?name=ci%20x&evil=1", "/tokens/new?name=ci+x"),
            ("/tokens?page=2&search=a%26b", "/tokens?search=a%26b&page=2"),
            (
                "/tokens/0123456789abcdef01234567?done=renamed",
                "/tokens/0123456789abcdef01234567",
            ),
            ("/tokens/new?name=ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "/tokens/new"),
            ("/tokens/new?name=%zz", "/tokens/new"),
        ] {
            assert_eq!(known(Realm::Account, given).as_deref(), Some(path), "{given}");
        }
        for given in [
            "",
            "tokens",
            "//evil.example/tokens",
            "https://evil.example/tokens",
            "/\\evil.example",
            "/tokens/../x",
            "/tokens/a/b",
            "/tokens/",
            "/login",
            "/accounts",
            "/cpsess0123456789/tokens",
            "javascript:alert(1)",
            "/tokens/x\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(known(Realm::Account, given), None, "{given}");
        }
        assert_eq!(known(Realm::Admin, "/accounts/bob").as_deref(), Some("/accounts/bob"));
        assert_eq!(known(Realm::Admin, "/tokens"), None);
    }

    #[test]
    fn form_returns_to_its_page() {
        let after = |realm, path: &str, body: &str| {
            let form = Form::of_query(Some(body)).unwrap();
            after(realm, &Method::POST, &path.parse().unwrap(), Some(&form))
        };
        assert_eq!(
            after(Realm::Account, "/tokens", "name=ci&csrf=x"),
            "/tokens/new?name=ci"
        );
        assert_eq!(
            after(Realm::Account, "/tokens/0123/rename", "new_name=a"),
            "/tokens/0123"
        );
        assert_eq!(after(Realm::Account, "/tokens/revoke", ""), "/tokens");
        assert_eq!(after(Realm::Account, "/tokens/revoke/confirm", ""), "/tokens");
        assert_eq!(after(Realm::Admin, "/accounts/bob/revoke/confirm", ""), "/accounts/bob");
        assert_eq!(after(Realm::Admin, "/accounts/bob/suspend", ""), "/accounts/bob");
        assert_eq!(after(Realm::Admin, "/elsewhere", ""), "/accounts");
    }
}
