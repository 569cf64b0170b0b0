//! The `Authorization` header (RULES.md, 4). `cpanel USER:TOKEN` and `whm USER:TOKEN` have a grammar of their own,
//! because RFC 9110 doesn't allow `:` in a token68; `Bearer TOKEN` is RFC 6750.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize, Serializer};

use super::credentials::{Credentials, Field, Room};
use crate::base::error::Error;
use crate::base::reason::Reason;
use crate::json::decoder::{Fields, FromValue, wrong_type};
use crate::json::value::Value;
use crate::token::access::Realm;
use crate::token::secret::{Presented, SecretString};
use crate::token::text;
use crate::token::user::is_user;

/// The most bytes of a value.
pub(crate) const MAX_HEADER: usize = 512;

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
    /// The fields of the request, in which other credentials may be accepted.
    Fields(Box<RequestFields>),
}

/// The header fields of a request, and the credentials that are accepted in them. `Debug` doesn't show the values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestFields {
    /// The credentials; the usual ones if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<String>>,
    /// Names and values: of every field, or at least of those that the operation `credentials` names.
    pub fields: Vec<(String, SecretString)>,
}

impl FromValue for RequestFields {
    fn from_value(value: Value) -> Result<Self, Error> {
        let mut fields = Fields::of(value)?;
        let request = RequestFields {
            credentials: fields.optional("credentials"),
            fields: fields.required("fields"),
        };
        fields.finish()?;
        Ok(request)
    }
}

impl FromValue for (String, SecretString) {
    fn from_value(value: Value) -> Result<Self, Error> {
        let (name, value) = <(String, Value)>::from_value(value)?;
        Ok((name, SecretString::from_value(value)?))
    }
}

impl Authorization {
    /// The credentials that are accepted.
    ///
    /// # Errors
    /// `credentials_invalid`, at `authorization`.
    pub(crate) fn accepted(&self) -> Result<Credentials, Error> {
        let chosen = match self {
            Authorization::Fields(request) => request.credentials.as_deref(),
            _ => None,
        };
        Credentials::read(chosen).map_err(|error| error.under("authorization"))
    }

    /// Parses the credential that is presented.
    pub(crate) fn read<'h>(&'h self, accepted: &Credentials, room: &'h mut Room) -> Result<Credential<'h>, Reason> {
        let value = match self {
            Authorization::None => return Err(Reason::HeaderMissing),
            Authorization::One(value) => value,
            Authorization::Many(values) => match values.as_slice() {
                [] => return Err(Reason::HeaderMissing),
                [value] => value,
                _ => return Err(Reason::HeaderRepeated),
            },
            Authorization::Fields(request) => {
                let field = |(name, value): &'h (String, SecretString)| (name.as_bytes(), value.expose().as_bytes());
                let fields: Vec<Field<'h>> = request.fields.iter().map(field).collect();
                return accepted.find(&fields, room);
            }
        };
        parse(value.expose().as_bytes())
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
            Authorization::Fields(request) => request.serialize(serializer),
        }
    }
}

impl FromValue for Authorization {
    fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Null => Ok(Authorization::None),
            Value::String(text) => Ok(Authorization::One(SecretString::new(text))),
            Value::Array(_) => Vec::from_value(value).map(Authorization::Many),
            Value::Object(_) => {
                RequestFields::from_value(value).map(|request| Authorization::Fields(Box::new(request)))
            }
            other => Err(wrong_type("a string, an array of strings, fields or null", &other)),
        }
    }
}

/// The kind of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `cpanel USER:TOKEN`, at the account's port.
    Cpanel,
    /// `whm USER:TOKEN`, at the administrator's port.
    Whm,
    /// `Bearer TOKEN`, at either port.
    Bearer,
    /// `Basic`, with the token as password, at either port.
    Basic,
    /// Another scheme and the token, at either port.
    #[serde(rename = "scheme")]
    Other,
    /// A field of its own, at either port.
    Header,
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
            Scheme::Bearer | Scheme::Basic | Scheme::Other | Scheme::Header => true,
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
    read(value).ok_or_else(|| diagnose(value, |name| Scheme::named(name).is_some()))
}

/// Parses a well-formed value. Each byte is checked once, as part of the scheme, a space, the user or the token.
#[inline]
fn read(value: &[u8]) -> Option<Credential<'_>> {
    let (scheme, rest) = split(value)?;
    credential(Scheme::named(scheme)?, rest).filter(|_| value.len() <= MAX_HEADER)
}

/// Parses what follows a scheme, decoded if it is `Basic`.
#[inline]
pub(crate) fn credential(scheme: Scheme, rest: &[u8]) -> Option<Credential<'_>> {
    let (user, token) = match scheme {
        Scheme::Bearer | Scheme::Other | Scheme::Header => (None, rest),
        Scheme::Cpanel | Scheme::Whm | Scheme::Basic => {
            let colon = rest.iter().position(|byte| *byte == b':')?;
            let (user, token) = rest.split_at(colon);
            let user = match user {
                [] if scheme == Scheme::Basic => None,
                user if is_user(user) => Some(core::str::from_utf8(user).ok()?),
                _ => return None,
            };
            (user, token.split_first()?.1)
        }
    };
    let secret = text::parse(token).ok()?;
    Some(Credential { scheme, user, secret })
}

/// Splits a value into the scheme and what follows the spaces.
#[inline]
pub(crate) fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (name, spaces) = value.split_at(space);
    let rest = spaces.iter().position(|byte| *byte != b' ')?;
    Some((name, spaces.split_at(rest).1))
}

/// The first reason why a value is malformed.
pub(crate) fn diagnose(value: &[u8], is_known: impl Fn(&[u8]) -> bool) -> Reason {
    if value.is_empty() {
        return Reason::HeaderMissing;
    }
    let printable = |byte: &u8| (0x20..=0x7e).contains(byte);
    if value.len() > MAX_HEADER || !value.iter().all(printable) || value.ends_with(b" ") {
        return Reason::HeaderMalformed;
    }
    match split(value) {
        Some((name, _)) if !name.is_empty() && !is_known(name) => Reason::SchemeUnsupported,
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
