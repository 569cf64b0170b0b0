//! The `Authorization` header (RULES.md, 4). `cpanel USER:TOKEN` and `whm USER:TOKEN` have a grammar of their own,
//! because RFC 9110 doesn't allow `:` in a token68; `Bearer TOKEN` is RFC 6750.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize, Serializer};

use crate::base::error::Error;
use crate::base::reason::Reason;
use crate::json::decoder::{FromValue, wrong_type};
use crate::json::value::Value;
use crate::token::access::Realm;
use crate::token::secret::{Presented, SecretString};
use crate::token::text;
use crate::token::user::is_user;

const MAX_HEADER: usize = 512;

/// The values of a request's `Authorization` fields. `Debug` doesn't show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// No such field.
    #[default]
    None,
    /// One field.
    One(SecretString),
    /// Several fields, or one given as a list.
    Many(Vec<SecretString>),
}

impl Authorization {
    /// The value, if there is exactly one.
    pub(crate) fn single(&self) -> Result<&[u8], Reason> {
        match self {
            Authorization::None => Err(Reason::HeaderMissing),
            Authorization::One(value) => Ok(value.expose().as_bytes()),
            Authorization::Many(values) => match values.as_slice() {
                [] => Err(Reason::HeaderMissing),
                [value] => Ok(value.expose().as_bytes()),
                _ => Err(Reason::HeaderRepeated),
            },
        }
    }
}

impl From<&str> for Authorization {
    fn from(value: &str) -> Self {
        Authorization::One(value.into())
    }
}

impl Serialize for Authorization {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Authorization::None => serializer.serialize_unit(),
            Authorization::One(value) => value.serialize(serializer),
            Authorization::Many(values) => values.serialize(serializer),
        }
    }
}

impl FromValue for Authorization {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Null => Ok(Authorization::None),
            Value::String(text) => Ok(Authorization::One(SecretString::new(text))),
            Value::Array(_) => Vec::from_value(value).map(Authorization::Many),
            other => Err(wrong_type("a string, an array of strings or null", &other)),
        }
    }
}

/// The scheme of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `cpanel USER:TOKEN`, at the account's port.
    Cpanel,
    /// `whm USER:TOKEN`, at the administrator's port.
    Whm,
    /// `Bearer TOKEN`, at either port.
    Bearer,
}

impl Scheme {
    #[inline]
    fn named(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"cpanel") {
            Some(Scheme::Cpanel)
        } else if name.eq_ignore_ascii_case(b"bearer") {
            Some(Scheme::Bearer)
        } else if name.eq_ignore_ascii_case(b"whm") {
            Some(Scheme::Whm)
        } else {
            None
        }
    }

    /// Whether the scheme accepts tokens of this realm.
    pub(crate) fn serves(self, realm: Realm) -> bool {
        match self {
            Scheme::Cpanel => realm == Realm::Account,
            Scheme::Whm => realm == Realm::Admin,
            Scheme::Bearer => true,
        }
    }
}

/// What a well-formed header holds.
pub(crate) struct Credential<'h> {
    pub(crate) scheme: Scheme,
    pub(crate) user: Option<&'h str>,
    pub(crate) secret: Presented<'h>,
}

/// Parses a header value: scheme, one or more spaces, then `user:token` or the token.
#[inline]
pub(crate) fn parse(value: &[u8]) -> Result<Credential<'_>, Reason> {
    read(value).ok_or_else(|| diagnose(value))
}

/// Parses a well-formed value. Each byte is checked once, as part of the scheme, a space, the user or the token.
#[inline]
fn read(value: &[u8]) -> Option<Credential<'_>> {
    let (scheme, rest) = split(value)?;
    let scheme = Scheme::named(scheme)?;
    let (user, token) = match scheme {
        Scheme::Bearer => (None, rest),
        Scheme::Cpanel | Scheme::Whm => {
            let colon = rest.iter().position(|byte| *byte == b':')?;
            let (user, token) = rest.split_at(colon);
            if !is_user(user) {
                return None;
            }
            (Some(core::str::from_utf8(user).ok()?), token.split_first()?.1)
        }
    };
    let secret = text::parse(token).ok().filter(|_| value.len() <= MAX_HEADER)?;
    Some(Credential { scheme, user, secret })
}

/// Splits a value into the scheme and what follows the spaces.
#[inline]
fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (name, spaces) = value.split_at(space);
    let rest = spaces.iter().position(|byte| *byte != b' ')?;
    Some((name, spaces.split_at(rest).1))
}

/// The first reason why a value is malformed.
fn diagnose(value: &[u8]) -> Reason {
    if value.is_empty() {
        return Reason::HeaderMissing;
    }
    let printable = |byte: &u8| (0x20..=0x7e).contains(byte);
    if value.len() > MAX_HEADER || !value.iter().all(printable) || value.ends_with(b" ") {
        return Reason::HeaderMalformed;
    }
    match split(value) {
        Some((name, _)) if !name.is_empty() && Scheme::named(name).is_none() => Reason::SchemeUnsupported,
        _ => Reason::HeaderMalformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_field() {
        assert_eq!(Authorization::from("Bearer x"), Authorization::One("Bearer x".into()));
        assert_eq!(Authorization::from(""), Authorization::One("".into()));
    }
}
