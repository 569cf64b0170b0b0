//! Login sessions in the store. They are found by a cookie, of which the store holds only a hash.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Extension, FromRequestParts, Request};
use axum::http::HeaderValue;
use axum::http::header::{COOKIE, Entry, SET_COOKIE};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::config::SessionLimits;
use crate::state::State;
use crate::web::cookie::{self, SessionId};
use crate::web::reply::Failed;
use tokenlatch::ENTROPY_BYTES;
use tokenlatch::EnvironmentError;
use tokenlatch::Service;
use tokenlatch::StoredSession;
use tokenlatch::hex;
use tokenlatch_core::Realm;

/// Maximum age of the recorded time of the last request, in seconds. Each update is a write.
const NOTED: i64 = 60;

/// The session of one request: the id in its cookie, and what the reply does to the cookie.
#[derive(Clone)]
pub(crate) struct Session {
    given: Option<SessionId>,
    change: Arc<Mutex<Change>>,
}

/// What a reply does to the session's cookie.
#[derive(Clone)]
enum Change {
    Keep,
    Set(SessionId),
    Remove,
}

impl Session {
    fn of(request: &Request, realm: Realm) -> Session {
        Session {
            given: cookie::session_id(request.headers(), realm),
            change: Arc::new(Mutex::new(Change::Keep)),
        }
    }

    /// The id of the session now: the cookie's, unless a session began or ended since. It was not looked up.
    fn id(&self) -> Option<SessionId> {
        match self.changed() {
            Change::Keep => self.given.clone(),
            Change::Set(id) => Some(id),
            Change::Remove => None,
        }
    }

    fn changed(&self) -> Change {
        self.change.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: Change) {
        *self.change.lock().unwrap_or_else(PoisonError::into_inner) = change;
    }

    /// The `Set-Cookie` of the reply. A reply with a server's error sets no session cookie, and only a cookie that was sent is
    /// removed.
    fn set_cookie(&self, realm: Realm, failed: bool) -> Option<HeaderValue> {
        match self.changed() {
            Change::Set(id) if !failed => cookie::set(realm, &id),
            Change::Remove if self.given.is_some() => cookie::removal(realm),
            _ => None,
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(…)")
    }
}

/// Reads the session's cookie into an extension [`Session`] for the handlers, and sets or removes it in the reply. It does not
/// read the store.
pub(crate) async fn layer(Extension(realm): Extension<Realm>, mut request: Request, next: Next) -> Response {
    let session = Session::of(&request, realm);
    if let Entry::Occupied(mut cookies) = request.headers_mut().entry(COOKIE) {
        // Their values are not shown by `Debug` then.
        cookies.iter_mut().for_each(|field| field.set_sensitive(true));
    }
    request.extensions_mut().insert(session.clone());
    let mut reply = next.run(request).await;
    if let Some(field) = session.set_cookie(realm, reply.status().is_server_error()) {
        reply.headers_mut().append(SET_COOKIE, field);
    }
    reply
}

/// A logged-in user: the session is valid, and the path has its prefix.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// The account.
    pub(crate) user: String,
    /// The prefix of this session's paths, such as `/cpsess0123456789`.
    pub(crate) prefix: String,
    /// The value that each form must send back in its field `csrf`.
    pub(crate) csrf: String,
    /// The realm of the port.
    pub(crate) realm: Realm,
    /// The session's key in the store.
    pub(crate) key: String,
    /// The latest end of the session, in Unix seconds.
    pub(crate) ends: i64,
}

impl Visitor {
    /// A path of the web interface with the session's prefix.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visitor({})", self.user)
    }
}

impl FromRequestParts<Arc<State>> for Visitor {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<State>) -> Result<Visitor, Failed> {
        parts.extensions.get::<Visitor>().cloned().ok_or(Failed::LoggedOut)
    }
}

/// The data of a session, as the store keeps it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SessionData {
    user: String,
    /// The digits of the prefix.
    number: String,
    csrf: String,
    #[serde(rename = "port")]
    realm: Realm,
    begun: i64,
    seen: i64,
}

// Shorter entropy would make ids and CSRF values guessable.
const _: () = assert!(ENTROPY_BYTES >= 24);

impl SessionData {
    /// Creates a session's data.
    pub(crate) fn begin(service: &Service, user: &str, realm: Realm) -> Result<SessionData, Failed> {
        let now = service.clock().now()?;
        let bytes = random(service)?;
        let (number, csrf) = bytes.split_at(8);
        let number = number.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        Ok(SessionData {
            user: user.to_owned(),
            number: format!("{:010}", number % 10_000_000_000),
            csrf: hex(csrf.get(..16).unwrap_or_default()),
            realm,
            begun: now,
            seen: now,
        })
    }

    /// When the session ends if there is no further request, in Unix seconds.
    fn ends(&self, limits: &SessionLimits) -> i64 {
        let idle = self.seen.saturating_add(seconds(limits.idle));
        idle.min(self.last(limits))
    }

    /// The latest end of the session, in Unix seconds.
    fn last(&self, limits: &SessionLimits) -> i64 {
        self.begun.saturating_add(seconds(limits.lifetime))
    }

    /// The user of this session, which has this key in the store.
    fn visitor(&self, key: String, limits: &SessionLimits) -> Visitor {
        Visitor {
            user: self.user.clone(),
            prefix: format!("/cpsess{}", self.number),
            csrf: self.csrf.clone(),
            realm: self.realm,
            key,
            ends: self.last(limits),
        }
    }

    fn stored(&self, key: &str, limits: &SessionLimits) -> StoredSession {
        StoredSession {
            key: key.to_owned(),
            user: self.user.clone(),
            // JSON can represent every value of this type.
            data: serde_json::to_string(self).unwrap_or_default(),
            ends: self.ends(limits),
        }
    }
}

fn seconds(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// The result of looking up a request's cookie.
pub(crate) enum Found {
    /// There is no cookie, or none of this port.
    Nobody,
    /// A session that is no longer valid, with a message for the user.
    Ended(&'static str),
    /// A logged-in user.
    Person(Visitor),
}

/// Message for a user whose session has ended.
pub(crate) const ENDED: &str = "Your session has ended.";
const SUSPENDED: &str = "This account is suspended, so you have been logged out.";
const NO_ADMINISTRATOR: &str = "This account is not an administrator's any more, so you have been logged out.";

/// Looks up the user of a request. Nothing is kept from an earlier look: the session may have ended since, and a user who loses
/// access loses it at once. The cookie of a session that has ended is removed.
pub(crate) async fn find(state: &State, session: &Session, realm: Realm) -> Result<Found, Failed> {
    // Without a cookie, the store is not read.
    let Some(id) = session.id() else {
        return Ok(Found::Nobody);
    };
    let found = look_up(state, id.key(), realm).await?;
    if let Found::Ended(_) = found {
        session.change(Change::Remove);
    }
    Ok(found)
}

async fn look_up(state: &State, key: String, realm: Realm) -> Result<Found, Failed> {
    let store = state.service.store();
    let Some(stored) = store.session(&key).await? else {
        return Ok(Found::Ended(ENDED));
    };
    // Data that cannot be read counts as absent. The user logs in again.
    let Ok(data) = serde_json::from_str::<SessionData>(&stored.data) else {
        tracing::warn!(code = "session_damaged", "a session cannot be read, and is ended");
        store.remove_session(&key).await?;
        return Ok(Found::Ended(ENDED));
    };
    let limits = &state.config.sessions;
    let now = state.service.clock().now()?;
    if data.realm != realm {
        return Ok(Found::Nobody);
    }
    let over = if now >= data.ends(limits) {
        Some(ENDED)
    } else {
        match store.settings(&data.user).await? {
            None => Some(ENDED),
            Some(settings) if settings.account.suspended => Some(SUSPENDED),
            Some(settings) if realm == Realm::Admin && !settings.account.administrator => Some(NO_ADMINISTRATOR),
            Some(_) => None,
        }
    };
    if let Some(reason) = over {
        store.remove_session(&key).await?;
        return Ok(Found::Ended(reason));
    }
    if now.saturating_sub(data.seen) >= NOTED {
        let seen = SessionData {
            seen: now,
            ..data.clone()
        };
        match store.change_session(&seen.stored(&key, limits)).await {
            Ok(true) => {}
            Ok(false) => return Ok(Found::Ended(ENDED)),
            // The failure may end the session early, but never late.
            Err(error) => tracing::warn!(code = error.code(), "a session's last request was not noted"),
        }
    }
    Ok(Found::Person(data.visitor(key, limits)))
}

/// Begins a session with a new id, never one that a client sent. The session that the cookie named before is deleted.
pub(crate) async fn begin(state: &State, session: &Session, data: SessionData) -> Result<Visitor, Failed> {
    let bytes = random(&state.service)?;
    let id = SessionId::new(bytes.first_chunk().copied().unwrap_or_default());
    let key = id.key();
    let (store, limits) = (state.service.store(), &state.config.sessions);
    // An account that was suspended or removed meanwhile fails here too. The next attempt tells the user.
    let refused = match store.add_session(&data.stored(&key, limits)).await {
        Ok(true) => None,
        Ok(false) => Some("session_taken"),
        Err(error) => Some(error.code()),
    };
    if let Some(code) = refused {
        tracing::error!(code, "a session could not be stored");
        return Err(Failed::Unavailable);
    }
    end(state, session).await?;
    session.change(Change::Set(id));
    Ok(data.visitor(key, limits))
}

/// Ends a session, and removes the cookie.
pub(crate) async fn end(state: &State, session: &Session) -> Result<(), Failed> {
    if let Some(id) = session.id() {
        state.service.store().remove_session(&id.key()).await?;
        session.change(Change::Remove);
    }
    Ok(())
}

/// Hashes several texts as one.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(hash.finalize().as_slice())
}

/// Compares two texts in constant time.
pub(crate) fn equal_in_constant_time(given: &str, held: &str) -> bool {
    bool::from(given.as_bytes().ct_eq(held.as_bytes()))
}

fn random(service: &Service) -> Result<Zeroizing<[u8; ENTROPY_BYTES]>, EnvironmentError> {
    let mut bytes = Zeroizing::new([0; ENTROPY_BYTES]);
    service.entropy().fill(&mut bytes)?;
    Ok(bytes)
}
