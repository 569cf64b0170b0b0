//! The `Authorization` header. CONTRACT.md, 4: `cpanel USER:TOKEN` and `whm USER:TOKEN` by a grammar of their own (a `:`
//! is no token68 character of RFC 9110), `Bearer TOKEN` by RFC 6750.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize, Serializer};

use crate::access::Realm;
use crate::decode::{FromValue, wrong_type};
use crate::error::Error;
use crate::name::is_user;
use crate::reason::Reason;
use crate::secret::{Secret, SecretString};
use crate::text;
use crate::value::Value;

const MAX_HEADER: usize = 512;

/// The values of a request's `Authorization` fields. `Debug` doesn't show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// No such field.
    #[default]
    None,
    /// One field.
    One(SecretString),
    /// Several fields, or one as a list.
    Many(Vec<SecretString>),
}

impl Authorization {
    /// The one value that may be read.
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

/// How a credential is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `cpanel USER:TOKEN`, the account's port.
    Cpanel,
    /// `whm USER:TOKEN`, the administrator's port.
    Whm,
    /// `Bearer TOKEN`, either port.
    Bearer,
}

impl Scheme {
    /// Whether tokens of this realm may come by this scheme.
    pub(crate) fn serves(self, realm: Realm) -> bool {
        match self {
            Scheme::Cpanel => realm == Realm::Account,
            Scheme::Whm => realm == Realm::Admin,
            Scheme::Bearer => true,
        }
    }
}

/// A header that could be read.
pub(crate) struct Presented<'h> {
    pub(crate) scheme: Scheme,
    pub(crate) user: Option<&'h str>,
    pub(crate) secret: Secret,
}

/// Reads one header value: scheme, one space or more, then `user:token` or the token.
#[inline]
pub(crate) fn parse(value: &[u8]) -> Result<Presented<'_>, Reason> {
    if value.is_empty() {
        return Err(Reason::HeaderMissing);
    }
    let printable = |byte: &u8| (0x20..=0x7e).contains(byte);
    if value.len() > MAX_HEADER || !value.iter().all(printable) {
        return Err(Reason::HeaderMalformed);
    }
    let space = value
        .iter()
        .position(|byte| *byte == b' ')
        .ok_or(Reason::HeaderMalformed)?;
    let (name, rest) = value.split_at(space);
    let rest = rest.trim_ascii_start();
    if name.is_empty() || rest.is_empty() || rest.ends_with(b" ") {
        return Err(Reason::HeaderMalformed);
    }
    let scheme = if name.eq_ignore_ascii_case(b"cpanel") {
        Scheme::Cpanel
    } else if name.eq_ignore_ascii_case(b"bearer") {
        Scheme::Bearer
    } else if name.eq_ignore_ascii_case(b"whm") {
        Scheme::Whm
    } else {
        return Err(Reason::SchemeUnsupported);
    };
    let (user, token) = match scheme {
        Scheme::Bearer => (None, rest),
        Scheme::Cpanel | Scheme::Whm => {
            let colon = rest
                .iter()
                .position(|byte| *byte == b':')
                .ok_or(Reason::HeaderMalformed)?;
            let (user, token) = rest.split_at(colon);
            if !is_user(user) {
                return Err(Reason::HeaderMalformed);
            }
            let user = core::str::from_utf8(user).map_err(|_| Reason::HeaderMalformed)?;
            (Some(user), token.split_first().map_or(token, |(_, token)| token))
        }
    };
    let secret = text::parse(token).map_err(|_| Reason::HeaderMalformed)?;
    Ok(Presented { scheme, user, secret })
}
