//! What the target of a request may be, so that every server finds the same function in it, and which call it is.
//!
//! Two rules. The service itself takes any *sound* path, and forwards the bytes that it judged. `/auth` judges for another
//! server, which may drop a fragment, split at `;`, decode twice or fold names: there only a *plain* target is judged.

use alloc::borrow::{Cow, ToOwned};
use alloc::vec::Vec;

use crate::auth::call::{Api, Call};
use crate::token::access::Realm;

/// The longest name of a module or a function.
const MAX_FUNCTION_NAME: usize = 128;

/// The most digits of a session's number before a path of the API.
const MAX_SESSION_DIGITS: usize = 20;

/// The longest key of a parameter that is looked into.
const MAX_KEY: usize = 1024;

/// How many layers of escapes are looked through.
const DECODINGS: usize = 3;

/// The module of the administrator's functions, which have none of their own.
pub const WHM_MODULE: &str = "whm";

/// Functions that call other functions, which their parameters name: these may be in the body.
const CALLERS: &[(&str, &str)] = &[
    (WHM_MODULE, "batch"),
    (WHM_MODULE, "cpanel"),
    (WHM_MODULE, "uapi_cpanel"),
    ("Batch", "strict"),
];

/// The parameters that select a function of API 2, or by the same path of UAPI.
pub const API2_SELECTORS: &[&str] = &[
    "cpanel_jsonapi_apiversion",
    "cpanel_jsonapi_module",
    "cpanel_jsonapi_func",
    "cpanel_jsonapi_user",
];

/// Older names of the four, and a whole call in one parameter: a server may let them win.
const OLDER_SELECTORS: &[&str] = &[
    "cpanel_xmlapi_apiversion",
    "cpanel_xmlapi_module",
    "cpanel_xmlapi_func",
    "cpanel_xmlapi_user",
    "xmlin",
];

/// The parameter that selects the version of the administrator's functions.
const WHM_SELECTOR: &str = "api.version";

/// Parameters by which some servers let a query choose another method (WordPress, Rails, Symfony).
const METHOD_PARAMETERS: &[&str] = &["_method", "x-http-method", "x-method-override"];

/// Whether a name of a module or a function is read the same way by every server: nothing escaped, nothing that separates.
#[must_use]
pub fn is_function_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX_FUNCTION_NAME).contains(&name.len()) && name.bytes().all(plain)
}

/// The module and the function in `/execute/Module/function`.
#[must_use]
pub fn uapi_path(path: &str) -> Option<(&str, &str)> {
    let (module, function) = path.strip_prefix("/execute/")?.split_once('/')?;
    (is_function_name(module) && is_function_name(function)).then_some((module, function))
}

/// The function in `/json-api/function`.
#[must_use]
pub fn json_api_path(path: &str) -> Option<&str> {
    path.strip_prefix("/json-api/").filter(|name| is_function_name(name))
}

/// Whether a path is the API's, whether it names a function or not.
#[must_use]
pub fn is_api_path(path: &str) -> bool {
    ["/execute", "/json-api"].iter().any(|root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The path that is meant. A function's may have one slash too many before it and one after it, as base URLs that end in a
/// slash cause; before a path of the API the number of a session may stand, as in the original's examples, whatever it is.
/// Any other path stays as it is.
#[must_use]
pub fn canonical_path(path: &str) -> &str {
    let single = path.strip_prefix('/').filter(|rest| rest.starts_with('/'));
    let bare = without_session(single.unwrap_or(path));
    let folded = bare.unwrap_or(single.unwrap_or(path));
    let folded = folded.strip_suffix('/').unwrap_or(folded);
    match uapi_path(folded).is_some() || json_api_path(folded).is_some() {
        true => folded,
        false => bare.filter(|_| single.is_none()).unwrap_or(path),
    }
}

/// A path of the API without the number of a session before it; `None` where there is none.
fn without_session(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/cpsess")?;
    let (digits, _) = rest.split_once('/')?;
    let sound = (1..=MAX_SESSION_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    rest.get(digits.len()..).filter(|path| sound && is_api_path(path))
}

/// Whether a path has one reading for a server that decodes it once: no empty or dotted step, and no escape that hides a
/// separator, a control byte or another escape.
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
    // A parameter after `;` is no part of the step for some servers.
    let step = |step: &str| matches!(step.split(';').next(), Some("." | ".."));
    core::str::from_utf8(&decoded).is_ok_and(|decoded| !decoded.split('/').any(step))
}

/// Whether a path is also read in that way by servers that decode it never or twice, take `;` for a separator, or drop
/// spaces and dots.
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

/// The call that a request makes of the API behind a proxy; `None` where servers could read its target in two ways, or
/// where a body, which is not seen, could name the function.
#[must_use]
pub fn call_of(target: &[u8], reads: bool, realm: Realm) -> Option<Call> {
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
            writes: Some(!reads),
            realm: Some(realm),
            ..Call::default()
        }),
    }
}

/// Whether a function calls other functions, which its parameters name, in whatever case it is written.
#[must_use]
pub fn calls_others(module: &str, function: &str) -> bool {
    CALLERS
        .iter()
        .any(|(of, name)| of.eq_ignore_ascii_case(module) && name.eq_ignore_ascii_case(function))
}

/// The path of a target that every server reads the same way. No fragment, no `;`, no control byte; the path is plain, and
/// so is each parameter that selects a function or a method, in its key and its value.
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
            return !escapes(pair).any(|escape| escape.is_none_or(is_unreserved));
        }
        let others = OLDER_SELECTORS.iter().chain(METHOD_PARAMETERS).copied();
        escapes(key).all(|escape| escape.is_some()) && !resembles(key, selectors().chain(others))
    });
    plain && selectors().all(|selector| of(selector) <= 1)
}

/// Whether some server would take a key for one that selects a function of API 2, though it isn't spelt so. A key of more than
/// 1,024 bytes is not looked into, and counts as one.
#[must_use]
pub fn is_doubtful_selector(key: &[u8]) -> bool {
    let known = API2_SELECTORS.iter().chain(OLDER_SELECTORS).copied();
    key.len() > MAX_KEY || (!API2_SELECTORS.iter().any(|selector| selector.as_bytes() == key) && resembles(key, known))
}

/// Whether a query has one of these keys, in any spelling that some server would take for it.
#[must_use]
pub fn names_any(query: &[u8], words: &[&str]) -> bool {
    let is_word = |part: &[u8]| {
        words
            .iter()
            .any(|word| word.as_bytes().eq_ignore_ascii_case(part.trim_ascii()))
    };
    query
        .split(|byte| matches!(byte, b'&' | b';' | b'?'))
        .any(|pair| has_reading(key_of(pair), &is_word))
}

/// Whether a key has a reading that is one of the known ones but for case, punctuation and what is appended to it, such
/// as `[]`: PHP, for one, makes `_` of `.` and of a space.
fn resembles<'k>(key: &[u8], known: impl Iterator<Item = &'k str> + Clone) -> bool {
    let fold = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => byte.to_ascii_lowercase(),
        false => b'_',
    };
    has_reading(key, &|part| {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_control();
        let start = part.iter().position(|byte| !blank(byte)).unwrap_or(part.len());
        let part = part.get(start..).unwrap_or_default();
        known.clone().any(|known| {
            let mut rest = part.iter().copied().map(fold);
            known.bytes().map(fold).all(|byte| rest.next() == Some(byte)) && rest.next().is_none_or(|next| next == b'_')
        })
    })
}

/// Whether a part of a key is what is looked for, in any layer of escapes. What was escaped may separate once it isn't.
fn has_reading(key: &[u8], is: &dyn Fn(&[u8]) -> bool) -> bool {
    let spaced = key.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte });
    let mut layer: Vec<u8> = spaced.collect();
    (0..=DECODINGS).any(|_| {
        let mut parts = layer.split(|byte| matches!(byte, b'&' | b';' | b'?' | b'=' | b'#' | b'\0'));
        let found = parts.any(is);
        layer = decode(&layer);
        found
    })
}

fn is_ampersand(byte: &u8) -> bool {
    *byte == b'&'
}

fn key_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default()
}

/// A character that needs no escape (RFC 3986, section 2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// The byte that each `%` of a text stands for; `None` where two digits don't follow.
fn escapes(text: &[u8]) -> impl Iterator<Item = Option<u8>> {
    text.split(|byte| *byte == b'%').skip(1).map(escape)
}

fn escape(digits: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let [high, low, ..] = digits else {
        return None;
    };
    let value = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
    u8::try_from(value).ok()
}

/// A text without its escapes; what is no escape stays.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let value = Some(after).filter(|_| *byte == b'%').and_then(escape);
        decoded.push(value.unwrap_or(*byte));
        rest = match value {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_functions_are_read() {
        assert_eq!(uapi_path("/execute/Tokens/list"), Some(("Tokens", "list")));
        assert_eq!(json_api_path("/json-api/api_token_list"), Some("api_token_list"));
        for path in [
            "/execute/Tokens",
            "/execute/Tokens/list/",
            "/execute/To.kens/list",
            "/Execute/Tokens/list",
            "",
        ] {
            assert_eq!(uapi_path(path), None, "{path}");
        }
        for path in ["/json-api/", "/json-api/a/b", "/json-api/a%20", "/json-api/\u{e4}"] {
            assert_eq!(json_api_path(path), None, "{path}");
        }
        assert!(!is_function_name(&"x".repeat(129)));
    }

    #[test]
    fn one_slash_too_many_is_taken_off_the_paths_of_functions() {
        for (path, canonical) in [
            ("/execute/Tokens/list", "/execute/Tokens/list"),
            ("//execute/Tokens/list", "/execute/Tokens/list"),
            ("/execute/Tokens/list/", "/execute/Tokens/list"),
            ("//execute/Tokens/list/", "/execute/Tokens/list"),
            ("/json-api/cpanel/", "/json-api/cpanel"),
            ("//json-api/cpanel", "/json-api/cpanel"),
        ] {
            assert_eq!(canonical_path(path), canonical, "{path}");
        }
        for path in [
            "",
            "/",
            "//",
            "///execute/Tokens/list",
            "/execute/Tokens/list//",
            "/execute//Tokens/list",
            "/execute/Tokens//list",
            "/execute/Tokens/",
            "//evil.example/execute/Tokens/list",
            "//login",
            "/auth/",
            "/\\execute/Tokens/list",
            "//execute/Tokens/%6cist",
        ] {
            assert_eq!(canonical_path(path), path, "{path}");
        }
    }

    #[test]
    fn a_call_is_named_by_a_plain_path_alone() {
        let call = |target: &str, realm| call_of(target.as_bytes(), true, realm);
        let found = call("/execute/Email/list_pops?a=%7E", Realm::Account).unwrap_or_default();
        assert_eq!(found.function.as_deref(), Some("list_pops"));
        assert_eq!((found.api, found.module.as_deref()), (Some(Api::Uapi), Some("Email")));
        let found = call("/json-api/listaccts?api.version=1", Realm::Admin).unwrap_or_default();
        assert_eq!(
            (found.module.as_deref(), found.function.as_deref()),
            (Some(WHM_MODULE), Some("listaccts"))
        );
        let found = call("/orders/", Realm::Account).unwrap_or_default();
        assert_eq!((found.function, found.writes), (None, Some(false)));
        assert_eq!(
            call_of(b"/orders", false, Realm::Admin).and_then(|call| call.writes),
            Some(true)
        );
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

    #[test]
    fn every_known_spelling_of_a_selecting_key_is_doubtful() {
        for key in API2_SELECTORS {
            assert!(!is_doubtful_selector(key.as_bytes()), "{key}");
            for spelt in [
                key.to_ascii_uppercase(),
                key.replace('_', "."),
                key.replace('_', " "),
                key.replace("jsonapi", "xmlapi"),
                format!("{key}[]"),
                format!("{key}[0]"),
                format!("{key}_"),
                format!("{key}.x"),
                format!(" {key}"),
                format!("\0{key}"),
                format!("{key}\0x"),
                format!("x&{key}"),
                format!("{key}=x"),
                key.replace('j', "%6a"),
                key.replace('j', "%256A"),
            ] {
                assert!(is_doubtful_selector(spelt.as_bytes()), "{spelt}");
            }
        }
        for key in [
            "cpanel_jsonapi_version",
            "cpanel_jsonapi_funcversion",
            "func",
            "user",
            "xml",
            "x",
        ] {
            assert!(!is_doubtful_selector(key.as_bytes()), "{key}");
        }
    }

    /// How servers read a query: what ends it, what separates, how often they decode, and whether they fold keys.
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

        /// Whatever is judged, every server finds the same path and the same selecting parameters in it.
        #[test]
        fn a_plain_target_has_one_reading(parts in proptest::collection::vec(
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
