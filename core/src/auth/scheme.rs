//! The grammar of a value of `Authorization` (RULES.md, 4). `cpanel USER:TOKEN` and `whm USER:TOKEN` have a grammar of
//! their own, because RFC 9110 doesn't allow `:` in a token68; `Bearer TOKEN` is RFC 6750.

use serde::{Deserialize, Serialize};

use crate::base::reason::Reason;
use crate::token::access::Realm;
use crate::token::secret::Presented;
use crate::token::text;
use crate::token::user::is_user;

/// The most bytes of a value.
pub(crate) const MAX_HEADER: usize = 512;

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
