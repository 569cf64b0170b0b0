//! The parts of a token that parameters name, and each interface's word for them.

/// A part of a token that parameters speak of.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Part {
    Name,
    NewName,
    Names,
    Expires,
    ReadOnly,
    Addresses,
    Access,
    Token,
}

/// Of each part its word in the operations, UAPI's parameter and WHM's.
pub(crate) const WORDS: [[&str; 3]; 8] = [
    ["name", "name", "token_name"],
    ["newName", "new_name", "new_name"],
    ["names", "name", "token_name"],
    ["expires", "expires_at", "expires_at"],
    ["readOnly", "readonly", "readonly"],
    ["addresses", "addresses", "whitelist_ip"],
    ["access", "features", "acl"],
    ["token", "token", "token"],
];

/// An interface's parameter for a part that is named by any of its words.
pub(crate) fn parameter(whm: bool, word: &str) -> Option<&'static str> {
    let [_, uapi, other] = WORDS.iter().find(|words| words.contains(&word))?;
    Some(if whm { other } else { uapi })
}
