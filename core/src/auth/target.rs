//! Request targets: which of them every server reads the same way, and the call that each makes. RULES.md, 8.
//!
//! There are two rules. The service itself accepts any *sound* path and forwards the bytes that it checked. `/auth`
//! decides for another server, which may drop a fragment, split at `;`, decode twice or fold names, so it accepts
//! only a *plain* target.

use alloc::borrow::{Cow, ToOwned};

use super::api::Api;
use super::call::Call;
use super::escape::{decode, escapes, is_unreserved};
use super::function_path::{WHM_MODULE, json_api_path, uapi_path};
use super::selector::{API2_SELECTORS, METHOD_PARAMETERS, OLDER_SELECTORS, WHM_SELECTOR, key_of, resembles};
use crate::token::access::Realm;

/// Functions that call other functions named in their parameters, which may be in the body.
const CALLERS: &[(&str, &str)] = &[
    (WHM_MODULE, "batch"),
    (WHM_MODULE, "cpanel"),
    (WHM_MODULE, "uapi_cpanel"),
    ("Batch", "strict"),
];

/// Whether a path has one reading for a server that decodes it once: no empty or dot segment, and no escape of a
/// separator, a control byte or `%`.
#[must_use]
pub fn is_sound_path(path: &str) -> bool {
    let hides =
        |escape: Option<u8>| escape.is_none_or(|byte| matches!(byte, b'/' | b'\\' | b'%') || byte.is_ascii_control());
    if !path.starts_with('/') || path.contains('\\') || path.contains("//") || escapes(path.as_bytes()).any(hides) {
        return false;
    }
    let decoded = match path.contains('%') {
        true => Cow::Owned(decode(path.as_bytes())),
        false => Cow::Borrowed(path.as_bytes()),
    };
    // Some servers treat `;` and what follows as no part of the segment.
    let step = |step: &str| matches!(step.split(';').next(), Some("." | ".."));
    core::str::from_utf8(&decoded).is_ok_and(|decoded| !decoded.split('/').any(step))
}

/// Whether a sound path is also read the same way by servers that never decode it or decode it twice, split at `;`,
/// or drop spaces and dots.
fn is_plain_path(path: &str) -> bool {
    let needless = |escape: Option<u8>| escape.is_none_or(|byte| is_unreserved(byte) || byte == b';');
    let dotted = |step: &str| {
        let step = decode(step.as_bytes());
        step.starts_with(b".") && step.iter().all(|byte| matches!(byte, b'.' | b' '))
    };
    is_sound_path(path)
        && !path.bytes().any(|byte| matches!(byte, b'"' | b'<' | b'>' | b'`'))
        && !escapes(path.as_bytes()).any(needless)
        && !path.split('/').any(dotted)
}

/// The call that a request makes to the API behind a proxy. `None` if servers could read the target in two ways, or
/// if the body, which isn't examined, could name the function.
#[must_use]
pub fn call_of(method: &str, target: &[u8], realm: Realm) -> Option<Call> {
    let path = plain_target(target)?;
    let step = decode(path.split('/').nth(1).unwrap_or_default().as_bytes());
    let end = step.iter().rposition(|byte| !matches!(byte, b'.' | b' '));
    let step = end
        .and_then(|end| step.get(..=end))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let function = |api, module: &str, function: &str| Call {
        api: Some(api),
        module: Some(module.to_owned()),
        function: Some(function.to_owned()),
        realm: Some(realm),
        ..Call::default()
    };
    match step.as_slice() {
        b"execute" => {
            let (module, name) = uapi_path(path)?;
            let judged = realm == Realm::Account && !calls_others(module, name);
            judged.then(|| function(Api::Uapi, module, name))
        }
        b"json-api" => {
            let name = json_api_path(path).filter(|name| realm == Realm::Admin && !calls_others(WHM_MODULE, name))?;
            Some(function(Api::Whm, WHM_MODULE, name))
        }
        b"xml-api" => None,
        step if step.starts_with(b"cpsess") => None,
        _ => Some(Call {
            method: Some(method.to_owned()),
            path: Some(core::str::from_utf8(target).ok()?.to_owned()),
            realm: Some(realm),
            ..Call::default()
        }),
    }
}

/// Whether a function calls other functions named in its parameters, ignoring case.
#[must_use]
pub fn calls_others(module: &str, function: &str) -> bool {
    CALLERS
        .iter()
        .any(|(of, name)| of.eq_ignore_ascii_case(module) && name.eq_ignore_ascii_case(function))
}

/// The path of a target that every server reads the same way; `None` for any other. It has no fragment, no `;` and no
/// control byte; its path is plain, and so are the key and value of each parameter that selects a function or method.
#[must_use]
pub fn plain_target(target: &[u8]) -> Option<&str> {
    if !target
        .iter()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b';'))
    {
        return None;
    }
    let target = core::str::from_utf8(target).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (is_plain_path(path) && is_plain_query(query.as_bytes())).then_some(path)
}

fn is_plain_query(query: &[u8]) -> bool {
    let selectors = || API2_SELECTORS.iter().chain([&WHM_SELECTOR]).copied();
    let of = |selector: &str| {
        query
            .split(is_ampersand)
            .filter(|pair| key_of(pair) == selector.as_bytes())
            .count()
    };
    let plain = query.split(is_ampersand).all(|pair| {
        let key = key_of(pair);
        if selectors().any(|selector| selector.as_bytes() == key) {
            // A server that doesn't decode it reads another value.
            return escapes(pair).next().is_none();
        }
        let others = OLDER_SELECTORS.iter().chain(METHOD_PARAMETERS).copied();
        escapes(key).all(|escape| escape.is_some()) && !resembles(key, selectors().chain(others))
    });
    plain && selectors().all(|selector| of(selector) <= 1)
}

fn is_ampersand(byte: &u8) -> bool {
    *byte == b'&'
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_path_with_one_reading_is_sound() {
        for path in [
            "/", "/orders", "/a/", "/a;b", "/.a", "/a..", "/a%20b", "/%C3%A9", "/%2e%2ea",
        ] {
            assert!(is_sound_path(path), "{path}");
        }
        let unsound = [
            "",
            "orders",
            "*",
            "//a",
            "/a//b",
            "/a\\b",
            "/%2F",
            "/%5c",
            "/%25",
            "/%00",
            "/%7f",
            "/%",
            "/%4",
            "/%zz",
            "/.",
            "/..",
            "/a/..",
            "/a/%2E%2e/b",
            "/..;a",
            "/a/.;b",
            "/%ff",
        ];
        for path in unsound {
            assert!(!is_sound_path(path), "{path}");
        }
    }

    #[test]
    fn only_a_path_that_is_also_sound_undecoded_is_plain() {
        for path in ["/", "/orders", "/a/", "/.a", "/a.", "/a%20b", "/%C3%A9"] {
            assert!(is_plain_path(path), "{path}");
        }
        let doubtful = [
            "orders",
            "/..",
            "/a\"b",
            "/a<b",
            "/a>b",
            "/a`b",
            "/a%41",
            "/a%7Eb",
            "/a%3Bb",
            "/...",
            "/a/.%20/b",
            "/%2e%20.",
        ];
        for path in doubtful {
            assert!(!is_plain_path(path), "{path}");
        }
    }

    #[test]
    fn refuses_escapes_in_selector_parameters() {
        let plain = |target: &str| plain_target(target.as_bytes()).is_some();
        assert!(plain("/?cpanel_jsonapi_func=listpops&x=%3B"));
        for value in ["%3B", "list%3Bpops", "list%70ops", "%2526", "%"] {
            for key in ["cpanel_jsonapi_func", "api.version"] {
                assert!(!plain(&format!("/?{key}={value}")), "{key}={value}");
            }
        }
    }

    #[test]
    fn identifies_the_call_only_from_a_plain_path() {
        let call = |target: &str, realm| call_of("GET", target.as_bytes(), realm);
        let found = call("/execute/Email/list_pops?a=%7E", Realm::Account).unwrap_or_default();
        assert_eq!(found.function.as_deref(), Some("list_pops"));
        assert_eq!((found.api, found.module.as_deref()), (Some(Api::Uapi), Some("Email")));
        assert_eq!(found.realm, Some(Realm::Account));
        let found = call("/json-api/listaccts?api.version=1", Realm::Admin).unwrap_or_default();
        assert_eq!(
            (found.module.as_deref(), found.function.as_deref()),
            (Some(WHM_MODULE), Some("listaccts"))
        );
        assert_eq!((found.api, found.realm), (Some(Api::Whm), Some(Realm::Admin)));
        let found = call("/orders/", Realm::Admin).unwrap_or_default();
        assert_eq!((found.realm, found.api), (Some(Realm::Admin), None));
        let found = call("/orders/", Realm::Account).unwrap_or_default();
        assert_eq!((found.function, found.method.as_deref()), (None, Some("GET")));
        assert_eq!(found.path.as_deref(), Some("/orders/"));
        for (_, caller) in CALLERS.iter().filter(|(module, _)| *module == WHM_MODULE) {
            assert_eq!(call(&format!("/json-api/{caller}"), Realm::Admin), None);
            assert_eq!(
                call(&format!("/json-api/{}", caller.to_ascii_uppercase()), Realm::Admin),
                None
            );
        }
        for target in [
            "/execute/Email/list_pops",
            "/xml-api/x",
            "/XML-API",
            "/cpsess0123456789/",
            "/execute",
        ] {
            assert_eq!(call(target, Realm::Admin), None, "{target}");
        }
        assert_eq!(call("/json-api/listaccts", Realm::Account), None);
        assert_eq!(call("/execute/batch/Strict", Realm::Account), None);
    }

    /// Reads a target as a server does: whether it drops a fragment, what separates pairs, how often it decodes, and
    /// whether it folds keys.
    fn read(
        target: &str,
        fragment: bool,
        separators: &str,
        decodings: usize,
        folds: bool,
    ) -> (String, BTreeSet<String>) {
        let target = if fragment {
            target.split('#').next().unwrap_or_default()
        } else {
            target
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if separators.contains(';') {
            path.split(';').next().unwrap_or_default()
        } else {
            path
        };
        let whole = |text: &str| {
            let bytes = (0..decodings).fold(text.as_bytes().to_vec(), |bytes, _| decode(&bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let known = || {
            API2_SELECTORS
                .iter()
                .chain(METHOD_PARAMETERS)
                .chain([&WHM_SELECTOR])
                .copied()
        };
        let pairs = query.split(|char| separators.contains(char)).filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut key = whole(key);
            if folds {
                let name = key.trim_start().split(['[', '\0']).next().unwrap_or_default();
                let name = name.to_ascii_lowercase().replace(['.', ' '], "_");
                let of_php = known().find(|known| known.replace('.', "_") == name)?;
                key = of_php.to_owned();
            }
            known()
                .any(|known| known == key)
                .then(|| format!("{key}={}", whole(value)))
        });
        (whole(path), pairs.collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Every server finds the same path and the same selecting parameters in a target that is accepted.
        #[test]
        fn all_servers_read_a_plain_target_the_same(parts in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(alloc::vec![
                    "/execute/Email/list_pops", "/orders", "?", "&", ";", "#", "=", "%3B", "%23", "%26", "%3D", "%25", "%2526",
                    "%5F", "%20", "+", "..", "/", ".", "[]", "%00", "cpanel_jsonapi_func", "cpanel.jsonapi.func", "CPANEL_JSONAPI_FUNC",
                    "api.version", "api_version", "_method", "%63panel_jsonapi_func", "delpop", "list%70ops", "1", "x",
                ]).prop_map(String::from),
                "[ -~]{0,3}",
            ], 0..8)
        ) {
            let target = format!("/{}", parts.concat().trim_start_matches('/'));
            if plain_target(target.as_bytes()).is_some() {
                let strict = read(&target, false, "&", 1, false);
                for (fragment, separators, decodings, folds) in [
                    (true, "&", 1, false), (false, "&;", 1, false), (false, "&", 0, false), (false, "&", 2, false),
                    (false, "&", 1, true), (true, "&;", 2, true),
                ] {
                    let (path, selected) = read(&target, fragment, separators, decodings, folds);
                    prop_assert_eq!(&selected, &strict.1, "{}", target);
                    if path.is_ascii() && !target.contains('%') {
                        prop_assert_eq!(&path, &strict.0, "{}", target);
                    }
                }
            }
        }
    }
}
