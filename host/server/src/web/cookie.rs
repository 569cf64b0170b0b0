//! The cookies of the web interface: reads them from a request, and writes the session's into a reply.

use std::fmt;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::web_names::session_cookie;
use tokenlatch::hex;
use tokenlatch_core::Realm;

/// The length of a session's id, in bytes.
const ID_BYTES: usize = 16;

/// The length of a session's id in the cookie, in characters.
const ID_LENGTH: usize = 22;

/// The attributes of the session's cookie. It ends with the browser's session; the store decides when the login ends.
///
/// Not `SameSite=Strict`: a link from another site would lead a logged-in user to the login form, and in Chromium not even
/// reloading then sends the cookie. What another site can start this way only reads. A POST of another site comes without the
/// cookie, and without the CSRF value.
const ATTRIBUTES: &str = "HttpOnly; SameSite=Lax; Secure; Path=/";

/// The attributes that make a browser remove a cookie. `Expires` is for clients that don't know `Max-Age`.
const EXPIRED: &str = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";

/// The id of a session, from its cookie. It is a secret: anyone who has it is logged in. It is wiped on drop.
#[derive(Clone)]
pub(crate) struct SessionId(Zeroizing<[u8; ID_BYTES]>);

impl SessionId {
    /// Creates an id. The bytes must be random.
    pub(crate) fn new(bytes: [u8; ID_BYTES]) -> SessionId {
        SessionId(Zeroizing::new(bytes))
    }

    /// Reads an id: Base64 for URLs (RFC 4648, section 5) without padding. An id has one spelling; any other is refused.
    fn read(text: &[u8]) -> Option<SessionId> {
        if text.len() != ID_LENGTH {
            return None;
        }
        let mut bytes = Zeroizing::new([0; ID_BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()).ok()?;
        (length == ID_BYTES).then_some(SessionId(bytes))
    }

    /// The key of the session in the store: a hash, so nobody who reads the store learns an id.
    pub(crate) fn key(&self) -> String {
        hex(Sha256::digest(self.0.as_slice()).as_slice())
    }

    /// The text in the cookie.
    fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// The values of all cookies with a name, as they were sent. Pairs are separated by `;` alone, as browsers do it (RFC 6265,
/// section 5.4): quotes have no meaning. Cookies of other programs on this host may have any bytes.
pub(crate) fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let fields = headers.get_all(COOKIE).iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| {
        let rest = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b"=")
    })
}

/// The session's id in a request. `None` if the cookie is absent, malformed or repeated: nobody can tell which one is right.
pub(crate) fn session_id(headers: &HeaderMap, realm: Realm) -> Option<SessionId> {
    let mut values = values(headers, session_cookie(realm));
    match (values.next(), values.next()) {
        (Some(value), None) => SessionId::read(value),
        _ => None,
    }
}

/// The `Set-Cookie` that gives a browser the session's cookie. Cookies ignore ports, so each realm's cookie has its own name.
pub(crate) fn set(realm: Realm, id: &SessionId) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("{}={}; {ATTRIBUTES}", session_cookie(realm), *id.expose()));
    let mut field = HeaderValue::from_str(&text).ok()?;
    field.set_sensitive(true);
    Some(field)
}

/// The `Set-Cookie` that removes the session's cookie from a browser.
pub(crate) fn removal(realm: Realm) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("{}=; {ATTRIBUTES}; {EXPIRED}", session_cookie(realm))).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::*;

    const ID: &str = "AAECAwQFBgcICQoLDA0ODw";

    fn headers(fields: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field).unwrap());
        }
        headers
    }

    /// The session's id in these `Cookie` fields of the account port, as text.
    fn found(fields: &[&str]) -> Option<String> {
        let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
        let id = session_id(&headers(&fields), Realm::Account);
        id.map(|id| id.expose().to_string())
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let own = format!("cpsession={ID}");
        for fields in [
            &[own.as_str()] as &[&str],
            &["a=b", &own],
            &[&format!("a=b; tokens_per_page=50;{own}; whostmgrsession=x")],
            &[&format!("\t{own} ;")],
            &[&format!("cpsession; {own}")],
            &[&format!(
                "%63psession=x; CPSESSION=x; xcpsession=x; cpsession2=x; {own}"
            )],
            &[&format!("name=caf\u{e9}; {own}")],
            &[&"a=b; ".repeat(20_000), &own],
            &[&format!("a={}; {own}", "x".repeat(100_000))],
        ] {
            assert_eq!(found(fields).as_deref(), Some(ID), "{fields:?}");
        }
        let bytes = [b"a=\xff\x80; cpsession=", ID.as_bytes()].concat();
        assert!(session_id(&headers(&[&bytes]), Realm::Account).is_some());
        assert!(session_id(&headers(&[own.as_bytes()]), Realm::Admin).is_none());
    }

    #[test]
    fn a_repeated_cookie_is_none() {
        let own = format!("cpsession={ID}");
        for fields in [
            &[format!("{own}; {own}")] as &[String],
            &[own.clone(), own.clone()],
            &[own.clone(), "cpsession=x".to_owned()],
            &[format!("cpsession=; {own}")],
            &[format!("a=\"; {own}; b\"; {own}")],
            &[format!("{own}; ").repeat(5_000)],
        ] {
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            assert_eq!(found(&fields), None, "{fields:?}");
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        for value in [
            "",
            "x",
            "AAECAwQFBgcICQoLDA0OD",
            "AAECAwQFBgcICQoLDA0ODwA",
            "AAECAwQFBgcICQoLDA0ODw==",
            "\"AAECAwQFBgcICQoLDA0OD\"",
            // Unused bits that are not zero.
            "AAECAwQFBgcICQoLDA0ODx",
            "AAECAwQFBgcICQoLDA0OD+",
            "AAECAwQFBgcICQoLDA0OD/",
            "AAECAwQFBgcICQoLDA0OD=",
            "AAECAwQFBgcICQoLDA0O %",
            "AAECAwQFBgcICQoLDA0O\u{e9}",
            &"A".repeat(100_000),
        ] {
            assert_eq!(found(&[&format!("cpsession={value}")]), None, "{value}");
        }
        for id in [
            "AAAAAAAAAAAAAAAAAAAAAA",
            "_____________________w",
            "-_-_-_-_-_-_-_-_-_-_-Q",
        ] {
            assert_eq!(found(&[&format!("cpsession={id}")]).as_deref(), Some(id));
        }
    }

    #[test]
    fn the_store_gets_the_hash_of_the_bytes() {
        let id = SessionId::read(ID.as_bytes()).unwrap();
        assert_eq!(
            id.key(),
            "be45cb2605bf36bebde684841a28f0fd43c69850a3dce5fedba69928ee3a8991"
        );
        let [one, two] = [0, 1].map(|last| {
            let mut bytes = [7; ID_BYTES];
            bytes[15] = last;
            SessionId::new(bytes).key()
        });
        assert_ne!(one, two);
    }

    #[test]
    fn the_fields_of_a_reply_have_the_attributes_and_show_no_id() {
        let id = SessionId::read(ID.as_bytes()).unwrap();
        let field = set(Realm::Admin, &id).unwrap();
        assert_eq!(
            field.to_str().unwrap(),
            format!("whostmgrsession={ID}; HttpOnly; SameSite=Lax; Secure; Path=/")
        );
        let removal = removal(Realm::Account).unwrap();
        assert_eq!(
            removal.to_str().unwrap(),
            "cpsession=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        );
        for shown in [format!("{id:?}"), format!("{field:?}")] {
            assert!(!shown.contains("AAEC") && !shown.contains("1, 2"), "{shown}");
        }
    }
}
