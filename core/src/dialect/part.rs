//! The parts of a token that parameters set, and each interface's name for them.

/// A part of a token that a parameter sets.
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

/// The names of each part: in the operations, in UAPI and in WHM.
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

/// The interface's name of a part, given any of its names.
pub(crate) fn parameter(whm: bool, word: &str) -> Option<&'static str> {
    let [_, uapi, other] = WORDS.iter().find(|words| words.contains(&word))?;
    Some(if whm { other } else { uapi })
}
