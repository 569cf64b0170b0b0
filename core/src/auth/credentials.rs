//! The credentials that an operator accepts, and the one that a request presents. OPERATIONS.md, Credentials.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::dangerous_fields::{PROXY_FIELDS, danger, is_plain_field};
use super::scheme::{Credential, MAX_HEADER, Scheme, credential, diagnose, split};
use crate::base::error::{Error, ErrorCode};
use crate::base::reason::Reason;

/// The most credentials to choose.
const MAX_CREDENTIALS: usize = 16;
/// The most characters of a field's or a scheme's name.
const MAX_NAME: usize = 64;

/// Fields with a meaning of their own in requests, in lower case.
const MEANT_FIELDS: &[&str] = &[
    "accept",
    "authentication-info",
    "authorization",
    "baggage",
    "cache-control",
    "connection",
    "cookie",
    "cookie2",
    "date",
    "dpop",
    "early-data",
    "expect",
    "from",
    "host",
    "http2-settings",
    "keep-alive",
    "last-event-id",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "set-cookie",
    "signature",
    "signature-input",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "warning",
    "www-authenticate",
];

/// Beginnings of the names of such fields.
const MEANT_PREFIXES: &[&str] = &["accept-", "access-control-", "content-", "if-", "proxy-", "sec-"];

/// Schemes with a grammar of their own, in lower case: those of IANA's registry and a few others.
const OTHER_SCHEMES: &[&str] = &[
    "aws4-hmac-sha256",
    "basic",
    "bearer",
    "concealed",
    "cpanel",
    "digest",
    "dpop",
    "gnap",
    "hoba",
    "kerberos",
    "mutual",
    "negotiate",
    "ntlm",
    "oauth",
    "privatetoken",
    "scram-sha-1",
    "scram-sha-256",
    "vapid",
    "whm",
];

/// One place of a token: a scheme of `Authorization`, or a field ([`Scheme::Header`]).
#[derive(Clone, Debug)]
struct Place {
    scheme: Scheme,
    /// The name of the scheme or the field, as the challenge shows it.
    name: Cow<'static, str>,
}

/// The credentials that are accepted.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    places: Vec<Place>,
    /// Whether they are those that are accepted if nothing is chosen.
    usual: bool,
}

impl Default for Credentials {
    fn default() -> Self {
        let usual = [Scheme::Bearer, Scheme::Cpanel, Scheme::Whm];
        Credentials::of(usual.into_iter().filter_map(Place::of).collect())
    }
}

/// Memory for a decoded credential. It is wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Room([u8; MAX_HEADER]);

impl Default for Room {
    fn default() -> Self {
        Room([0; MAX_HEADER])
    }
}

impl Place {
    /// The place of a scheme without a name of its own.
    fn of(scheme: Scheme) -> Option<Self> {
        let name = match scheme {
            Scheme::Bearer => "Bearer",
            Scheme::Cpanel => "cpanel",
            Scheme::Whm => "whm",
            Scheme::Basic => "Basic",
            Scheme::Other | Scheme::Header => return None,
        };
        let name = Cow::Borrowed(name);
        Some(Place { scheme, name })
    }

    fn read(text: &str) -> Option<Self> {
        let scheme = match text {
            "bearer" => Scheme::Bearer,
            "cpanel" => Scheme::Cpanel,
            "whm" => Scheme::Whm,
            "basic" => Scheme::Basic,
            "x-api-key" => return Place::read("header:x-api-key"),
            _ => {
                let (kind, name) = text.split_once(':')?;
                let (scheme, taken) = match kind {
                    "header" => (Scheme::Header, is_taken_field(name)),
                    "scheme" => (Scheme::Other, is_any(name, OTHER_SCHEMES)),
                    _ => return None,
                };
                let sound = (1..=MAX_NAME).contains(&name.len()) && is_plain_field(name.as_bytes());
                let name = Cow::Owned(name.into());
                return (sound && !taken).then_some(Place { scheme, name });
            }
        };
        Place::of(scheme)
    }

    fn is_field(&self) -> bool {
        self.scheme == Scheme::Header
    }

    fn same(&self, other: &Place) -> bool {
        self.is_field() == other.is_field() && self.name.eq_ignore_ascii_case(&other.name)
    }
}

fn is_any(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a field has another meaning, or is removed or believed by a host.
fn is_taken_field(name: &str) -> bool {
    let begins = |prefix: &&str| {
        let start = name.as_bytes().get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    danger(name.as_bytes()).is_some()
        || is_any(name, PROXY_FIELDS)
        || is_any(name, MEANT_FIELDS)
        || MEANT_PREFIXES.iter().any(begins)
}

/// A field of a request: name and value.
pub(crate) type Field<'f> = (&'f [u8], &'f [u8]);

impl Credentials {
    /// Reads the operator's choice; the usual credentials without one.
    ///
    /// # Errors
    /// `credentials_invalid`, at `credentials`.
    pub(crate) fn read(chosen: Option<&[String]>) -> Result<Self, Error> {
        let Some(texts) = chosen else {
            return Ok(Credentials::default());
        };
        let invalid = |message: Cow<'static, str>| Error::new(ErrorCode::CredentialsInvalid, message);
        if !(1..=MAX_CREDENTIALS).contains(&texts.len()) {
            let message = format!("choose 1 to {MAX_CREDENTIALS} credentials");
            return Err(invalid(message.into()).under("credentials"));
        }
        let mut places: Vec<Place> = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let message = match Place::read(text) {
                Some(place) if !places.iter().any(|known| known.same(&place)) => {
                    places.push(place);
                    continue;
                }
                Some(_) => "the credential is given twice",
                None => {
                    "a credential is `bearer`, `cpanel`, `whm`, `basic`, `x-api-key`, `header:NAME` or `scheme:NAME`; a name has 1 to 64 \
                     letters, digits and hyphens, and no other meaning"
                }
            };
            return Err(invalid(message.into()).under_index(index).under("credentials"));
        }
        Ok(Credentials::of(places))
    }

    fn of(places: Vec<Place>) -> Self {
        let is_usual = |place: &Place| matches!(place.scheme, Scheme::Bearer | Scheme::Cpanel | Scheme::Whm);
        let usual = places.len() == 3 && places.iter().all(is_usual);
        Credentials { places, usual }
    }

    /// Whether they are those that are accepted if nothing is chosen.
    #[inline]
    pub(crate) fn is_usual(&self) -> bool {
        self.usual
    }

    fn schemes(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| !place.is_field())
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        self.places
            .iter()
            .filter(|place| place.is_field())
            .map(|place| &*place.name)
    }

    fn scheme(&self, name: &[u8]) -> Option<Scheme> {
        self.schemes()
            .find(|place| place.name.as_bytes().eq_ignore_ascii_case(name))
            .map(|place| place.scheme)
    }

    /// The names of the fields that are looked at, in lower case.
    pub(crate) fn looked_at(&self) -> Vec<String> {
        let authorization = self.schemes().next().map(|_| "authorization".into());
        let basic = self.scheme(b"basic").map(|_| "sec-fetch-site".into());
        let fields = self.fields().map(str::to_ascii_lowercase);
        authorization.into_iter().chain(fields).chain(basic).collect()
    }

    /// The value of `WWW-Authenticate`: what is accepted. Clients of `cpanel` and `whm` don't read it, so the two are
    /// shown only if there is no `Bearer`.
    pub(crate) fn challenge(&self) -> String {
        let bearer = self.scheme(b"bearer").is_some();
        let mut challenge = String::new();
        for Place { scheme, name } in &self.places {
            let shown = match scheme {
                Scheme::Cpanel | Scheme::Whm if bearer => continue,
                Scheme::Header => format!("ApiKey realm=\"tokenlatch\", in=\"header\", name=\"{name}\""),
                _ => format!("{name} realm=\"tokenlatch\""),
            };
            if !challenge.is_empty() {
                challenge.push_str(", ");
            }
            challenge.push_str(&shown);
        }
        challenge
    }

    /// A sentence about a reason, for the owner and the log.
    pub(crate) fn message(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::HeaderMissing if !self.usual => "the request has no credential that is accepted here",
            Reason::HeaderRepeated if !self.usual => "the request has more than one credential",
            Reason::HeaderMalformed if !self.usual => "the credential can't be read",
            Reason::SchemeUnsupported if !self.usual => "the authorization scheme isn't accepted here",
            _ => reason.message(),
        }
    }

    /// Finds the credential that a request presents by its fields.
    pub(crate) fn find<'f>(&self, fields: &[Field<'f>], room: &'f mut Room) -> Result<Credential<'f>, Reason> {
        let named = |name: &str| -> Vec<&'f [u8]> {
            let named = fields
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
            named.map(|(_, value)| *value).collect()
        };
        let given = |name: &str| match named(name) {
            values if values == [b""] => Vec::new(),
            values => values,
        };
        let keys: Vec<&[u8]> = self.fields().flat_map(given).collect();
        let mut authorization = match self.schemes().next() {
            Some(_) => given("authorization"),
            None => Vec::new(),
        };
        if !keys.is_empty() && authorization.len() == 1 {
            authorization.retain(|value| !self.is_foreign(value));
        }
        match (authorization.as_slice(), keys.as_slice()) {
            ([], []) => Err(Reason::HeaderMissing),
            ([], [value]) => credential(Scheme::Header, value).ok_or(Reason::HeaderMalformed),
            ([value], []) => {
                let found = self.parse(value, room)?;
                let site = named("sec-fetch-site");
                let own = matches!(site.as_slice(), [] | [b"same-origin" | b"none"]);
                // Browsers send this credential by themselves, for pages of other sites too.
                match found.scheme {
                    Scheme::Basic if !own => Err(Reason::CrossSite),
                    _ => Ok(found),
                }
            }
            _ => Err(Reason::HeaderRepeated),
        }
    }

    /// Whether a value of `Authorization` has a scheme that isn't chosen.
    fn is_foreign(&self, value: &[u8]) -> bool {
        let name = value.split(|byte| *byte == b' ').next().unwrap_or_default();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        !name.is_empty() && name.iter().all(plain) && self.scheme(name).is_none()
    }

    /// Parses a value of `Authorization`, as `scheme::parse` does for the usual schemes.
    fn parse<'f>(&self, value: &'f [u8], room: &'f mut Room) -> Result<Credential<'f>, Reason> {
        self.parsed(value, room)
            .ok_or_else(|| diagnose(value, |name| self.scheme(name).is_some()))
    }

    fn parsed<'f>(&self, value: &'f [u8], room: &'f mut Room) -> Option<Credential<'f>> {
        let (name, rest) = split(value).filter(|_| value.len() <= MAX_HEADER)?;
        let scheme = self.scheme(name)?;
        let rest = match scheme {
            Scheme::Basic => Base64::decode(rest, &mut room.0).ok()?,
            _ => rest,
        };
        credential(scheme, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_table_can_be_chosen() {
        let refused = |kind: &str, name: &str| Place::read(&format!("{kind}:{name}")).is_none();
        for name in MEANT_FIELDS.iter().chain(PROXY_FIELDS) {
            assert!(
                refused("header", name) && refused("header", &name.to_ascii_uppercase()),
                "{name}"
            );
        }
        for prefix in MEANT_PREFIXES {
            assert!(
                refused("header", prefix) && refused("header", &format!("{prefix}x")),
                "{prefix}"
            );
        }
        for name in OTHER_SCHEMES {
            assert!(
                refused("scheme", name) && refused("scheme", &name.to_ascii_uppercase()),
                "{name}"
            );
        }
    }
}
