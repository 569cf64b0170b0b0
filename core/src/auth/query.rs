//! Tokens in a query, where they end up in logs. OPERATIONS.md, Routes.

use super::escape::in_any_layer;
use crate::token::text;

/// Parameters in which an API could look for a token, in small letters and digits only.
const KEYS: &[&str] = &[
    "token",
    "accesstoken",
    "authtoken",
    "apitoken",
    "bearertoken",
    "idtoken",
    "apikey",
    "xapikey",
    "accesskey",
    "secretkey",
    "key",
    "auth",
    "authorization",
    "xauthorization",
    "bearer",
    "credential",
    "credentials",
    "secret",
    "password",
    "passwd",
    "pass",
    "pwd",
];

/// Whether the query of a target has a token where an API could look for one.
pub(crate) fn has_token(target: &[u8]) -> bool {
    let Some(query) = target.splitn(2, |byte| *byte == b'?').nth(1) else {
        return false;
    };
    in_any_layer(query, &shows_token)
}

/// Whether a query shows a token without more decoding.
fn shows_token(query: &[u8]) -> bool {
    words(query).any(|word| word.contains(&b'_') && is_token(word))
        || query
            .split(|byte| matches!(byte, b'&' | b';' | b'?' | b'#'))
            .any(|parameter| {
                let mut halves = parameter.splitn(2, |byte| *byte == b'=');
                let key = halves.next().unwrap_or_default();
                let value = halves.next().unwrap_or_default();
                words(value).any(is_token) && is_credential(key)
            })
}

/// The runs of characters that a token text can have.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
}

fn is_token(word: &[u8]) -> bool {
    text::parse(word).is_ok()
}

/// Whether an API could look for a token under a key, in any of its spellings.
fn is_credential(key: &[u8]) -> bool {
    let name = key.split(|byte| *byte == b'[').next().unwrap_or_default();
    let plain = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let folded = plain.map(u8::to_ascii_lowercase);
    KEYS.iter().any(|known| known.bytes().eq(folded.clone()))
}
