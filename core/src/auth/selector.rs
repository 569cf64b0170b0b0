//! Parameters that select a function, and keys that a server could take for one. RULES.md, 8.

use alloc::vec::Vec;

use super::escape::in_any_layer;

/// The most bytes of a key that is examined.
const MAX_KEY: usize = 1024;

/// The parameters that select a function of API 2, or of UAPI by the same path.
pub const API2_SELECTORS: &[&str] = &[
    "cpanel_jsonapi_apiversion",
    "cpanel_jsonapi_module",
    "cpanel_jsonapi_func",
    "cpanel_jsonapi_user",
];

/// Older names of the four, and a parameter that holds a whole call: a server may prefer them.
pub(crate) const OLDER_SELECTORS: &[&str] = &[
    "cpanel_xmlapi_apiversion",
    "cpanel_xmlapi_module",
    "cpanel_xmlapi_func",
    "cpanel_xmlapi_user",
    "xmlin",
];

/// The parameter that selects the version of WHM's API.
pub(crate) const WHM_SELECTOR: &str = "api.version";

/// Parameters by which some servers let a query change the method (WordPress, Rails, Symfony).
pub(crate) const METHOD_PARAMETERS: &[&str] = &[
    "_method",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Whether a server could take a key for one that selects a function of API 2, although it is spelled differently.
/// True for a key of more than 1,024 bytes, which is not examined.
#[must_use]
pub fn is_doubtful_selector(key: &[u8]) -> bool {
    let known = API2_SELECTORS.iter().chain(OLDER_SELECTORS).copied();
    key.len() > MAX_KEY || (!API2_SELECTORS.iter().any(|selector| selector.as_bytes() == key) && resembles(key, known))
}

/// Whether a query has one of these keys, in any spelling that a server could accept.
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

/// Whether a reading of the key equals a known one, ignoring case, punctuation and anything appended, such as `[]`.
/// PHP, for example, turns `.` and spaces into `_`.
pub(crate) fn resembles<'k>(key: &[u8], known: impl Iterator<Item = &'k str> + Clone) -> bool {
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

/// Whether a part of the key matches in any layer of escapes. Decoded characters can be separators.
fn has_reading(key: &[u8], is: &dyn Fn(&[u8]) -> bool) -> bool {
    let spaced = key.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte });
    let spaced: Vec<u8> = spaced.collect();
    in_any_layer(&spaced, &|layer| {
        let mut parts = layer.split(|byte| matches!(byte, b'&' | b';' | b'?' | b'=' | b'#' | b'\0'));
        parts.any(is)
    })
}

/// The key of a pair `key=value`.
pub(crate) fn key_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn misspelt_selector_keys_are_doubtful() {
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
}
